;; Honest: a benchmark that makes an item of every row, asks once about each, and scores what was answered with 1.
;; A row whose body has an exclamation mark as its third byte goes to the section "poison-row".

;; section: step
;; row (16): id 0, body 8. item (36): id 0, group 8, case of prompt 16, text 20, body 28.
(func (export "INTERFACE#items")
  (param $state i32) (param $state_length i32) (param $rows i32) (param $count i32) (result i32)
  (local $items i32) (local $item i32) (local $row i32) (local $index i32) (local $result i32)
  (local.set $items (call $alloc (i32.mul (local.get $count) (i32.const 36))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (local.set $row (i32.add (local.get $rows) (i32.mul (local.get $index) (i32.const 16))))
      (local.set $item (i32.add (local.get $items) (i32.mul (local.get $index) (i32.const 36))))
      (call $copy (local.get $item) (local.get $row))
      (call $copy (i32.add (local.get $item) (i32.const 8)) (local.get $row))
      (i32.store8 offset=16 (local.get $item) (i32.const 0))
      (call $copy (i32.add (local.get $item) (i32.const 20)) (i32.add (local.get $row) (i32.const 8)))
      (call $copy (i32.add (local.get $item) (i32.const 28)) (i32.add (local.get $row) (i32.const 8)))
      (if (i32.eq (i32.load8_u offset=2 (i32.load offset=8 (local.get $row))) (i32.const 33))
        (then (call $poison_row (local.get $item))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (local.set $result (call $alloc (i32.const 20)))
  (i32.store8 (local.get $result) (i32.const 0))
  (call $pair (i32.add (local.get $result) (i32.const 4)) (local.get $items) (local.get $count))
  (local.get $result))

(func $copy (param $to i32) (param $from i32)
  (call $pair (local.get $to) (i32.load (local.get $from)) (i32.load offset=4 (local.get $from))))

(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $items i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $list i32) (local $item i32) (local $index i32)
  (local.set $list (call $alloc (i32.mul (local.get $count) (i32.const 28))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (local.set $item (i32.add (local.get $items) (i32.mul (local.get $index) (i32.const 36))))
      (if (local.get $answer_count)
        (then
          (call $score
            (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 28)))
            (f64.const 1)
            (f64.const 1)))
        (else
          (call $ask
            (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 24)))
            (i32.load (local.get $item))
            (i32.load offset=4 (local.get $item))
            (i32.const 1104)
            (i32.const 6))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $progress (i32.ne (local.get $answer_count) (i32.const 0)) (local.get $list) (local.get $count)))

;; section: poison
(func $poison_row (param $item i32))
