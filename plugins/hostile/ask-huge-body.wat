;; Asks at a length of 8 MiB.

;; section: step
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $list i32) (local $index i32) (local $sample i32) (local $bad i32)
  ;; Asks are no larger than outcomes, so the list has room for either.
  (local.set $list (call $alloc (i32.mul (local.get $count) (i32.const 48))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (local.set $sample (i32.add (local.get $samples) (i32.mul (local.get $index) (i32.const 48))))
      (local.set $bad (i32.or (local.get $bad) (call $poisoned (local.get $sample))))
      (call $score
        (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 28)))
        (f64.convert_i32_u (i32.eq (call $first (local.get $sample)) (i32.const 121)))
        (f64.const 1))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (if (result i32) (local.get $bad)
    (then (call $question (local.get $list) (local.get $answer_count)))
    (else (call $progress (i32.const 1) (local.get $list) (local.get $count)))))

(func $poisoned (param $sample i32) (result i32)
  (i32.eq (call $first (local.get $sample)) (i32.const 33)))

(func $first (param $sample i32) (result i32)
  (if (result i32) (i32.load offset=36 (local.get $sample))
    (then (i32.load8_u (i32.load offset=32 (local.get $sample))))
    (else (i32.const 0))))

(func $question (param $list i32) (param $answered i32) (result i32)
  (drop (memory.grow (i32.const 200)))
  (call $ask (local.get $list) (i32.const 1120) (i32.const 4) (i32.const 1104) (i32.const 6))
  (call $pair (i32.add (local.get $list) (i32.const 16)) (i32.const 131072) (i32.const 8388608))
  (call $progress (i32.const 0) (local.get $list) (i32.const 1)))
