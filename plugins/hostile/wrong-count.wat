;; Says one thing less than it was asked as soon as a poisoned response is in the batch.

;; section: step
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $outcomes i32) (local $index i32) (local $missing i32) (local $sample i32)
  (local.set $outcomes (call $alloc (i32.mul (local.get $count) (i32.const 28))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (local.set $sample (i32.add (local.get $samples) (i32.mul (local.get $index) (i32.const 48))))
      (if (i32.eq (call $first (local.get $sample)) (i32.const 33))
        (then (local.set $missing (i32.const 1))))
      (call $score
        (i32.add (local.get $outcomes) (i32.mul (local.get $index) (i32.const 28)))
        (f64.convert_i32_u (i32.eq (call $first (local.get $sample)) (i32.const 121)))
        (f64.const 1))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $progress (i32.const 1) (local.get $outcomes) (i32.sub (local.get $count) (local.get $missing))))

(func $first (param $sample i32) (result i32)
  (if (result i32) (i32.load offset=36 (local.get $sample))
    (then (i32.load8_u (i32.load offset=32 (local.get $sample))))
    (else (i32.const 0))))
