;; A judge that asks the model about every response and believes an answer that begins with "y" or "Y".
;;
;; The rest of it is the honest guest in `plugins/hostile`. Bytes that JSON would need escaped become full stops.

;; section: asking data
(data (i32.const 1200) "{\"max_tokens\":4,\"prompt\":{\"messages\":[{\"role\":\"user\",\"content\":\"")
(data (i32.const 1300) "\"}]}}")

;; section: describe
;; As the honest guest's, with one kind of question at 2240.
(func (export "INTERFACE#describe") (result i32)
  (call $pair (i32.const 2048) (i32.const 1024) (i32.const 7))
  (call $pair (i32.const 2056) (i32.const 1032) (i32.const 5))
  (call $pair (i32.const 2064) (i32.const 1040) (i32.const 34))
  (call $pair (i32.const 2072) (i32.const 1080) (i32.const 2))
  (call $pair (i32.const 2080) (i32.const 2112) (i32.const 1))
  (call $pair (i32.const 2088) (i32.const 2240) (i32.const 1))
  (call $pair (i32.const 2240) (i32.const 1112) (i32.const 8))
  (call $pair (i32.const 2112) (i32.const 1088) (i32.const 8))
  (call $pair (i32.const 2120) (i32.const 0) (i32.const 0))
  (i32.store8 (i32.const 2136) (i32.const 1))
  (f64.store (i32.const 2144) (f64.const 0))
  (i32.store8 (i32.const 2152) (i32.const 1))
  (f64.store (i32.const 2160) (f64.const 1))
  (i32.const 2048))

;; section: step
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $list i32) (local $index i32)
  ;; Asks are no larger than outcomes, so the list has room for either.
  (local.set $list (call $alloc (i32.mul (local.get $count) (i32.const 28))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (if (local.get $answer_count)
        (then
          (call $score
            (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 28)))
            (f64.convert_i32_u (call $says_yes
              (i32.add (local.get $answers) (i32.mul (local.get $index) (i32.const 16)))))
            (f64.const 1)))
        (else
          (call $question
            (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 24)))
            (local.get $index)
            (i32.add (local.get $samples) (i32.mul (local.get $index) (i32.const 48))))))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $progress (i32.ne (local.get $answer_count) (i32.const 0)) (local.get $list) (local.get $count)))

;; The id is two letters, the sample's place in the batch; the body holds the response.
(func $question (param $ask i32) (param $index i32) (param $sample i32)
  (local $id i32) (local $body i32) (local $at i32) (local $from i32) (local $end i32) (local $byte i32)
  (local.set $id (call $alloc (i32.const 2)))
  (i32.store8 (local.get $id) (i32.add (i32.const 97) (i32.shr_u (local.get $index) (i32.const 4))))
  (i32.store8 offset=1 (local.get $id) (i32.add (i32.const 97) (i32.and (local.get $index) (i32.const 15))))
  (local.set $from (i32.load offset=32 (local.get $sample)))
  (local.set $end (i32.add (local.get $from) (i32.load offset=36 (local.get $sample))))
  (local.set $body
    (call $alloc (i32.add (i32.load offset=36 (local.get $sample)) (i32.const 69))))
  (memory.copy (local.get $body) (i32.const 1200) (i32.const 64))
  (local.set $at (i32.add (local.get $body) (i32.const 64)))
  (block $copied
    (loop $copy
      (br_if $copied (i32.eq (local.get $from) (local.get $end)))
      (local.set $byte (i32.load8_u (local.get $from)))
      (if (i32.or
            (i32.or (i32.lt_u (local.get $byte) (i32.const 32)) (i32.gt_u (local.get $byte) (i32.const 126)))
            (i32.or (i32.eq (local.get $byte) (i32.const 34)) (i32.eq (local.get $byte) (i32.const 92))))
        (then (local.set $byte (i32.const 46))))
      (i32.store8 (local.get $at) (local.get $byte))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $from (i32.add (local.get $from) (i32.const 1)))
      (br $copy)))
  (memory.copy (local.get $at) (i32.const 1300) (i32.const 5))
  (call $pair (local.get $ask) (local.get $id) (i32.const 2))
  (call $pair (i32.add (local.get $ask) (i32.const 8)) (i32.const 1112) (i32.const 8))
  (call $pair (i32.add (local.get $ask) (i32.const 16)) (local.get $body)
    (i32.sub (i32.add (local.get $at) (i32.const 5)) (local.get $body))))

;; answer (16): id 0, body 8. Looks for the eight bytes \"text\":\" and at the byte behind them.
(func $says_yes (param $answer i32) (result i32)
  (local $at i32) (local $end i32)
  (local.set $at (i32.load offset=8 (local.get $answer)))
  (local.set $end (i32.sub (i32.add (local.get $at) (i32.load offset=12 (local.get $answer))) (i32.const 8)))
  (block $none
    (loop $next
      (br_if $none (i32.ge_s (local.get $at) (local.get $end)))
      (if (i64.eq (i64.load (local.get $at)) (i64.const 2466321629570233378))
        (then
          (return (i32.eq (i32.or (i32.load8_u offset=8 (local.get $at)) (i32.const 32)) (i32.const 121)))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (unreachable))
