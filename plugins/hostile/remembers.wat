;; Tries to carry something from one call to the next: scores by how often it has been called.

;; section: step
(global $calls (mut i32) (i32.const 0))
(func (export "INTERFACE#step")
  (param $state i32) (param $state_length i32) (param $samples i32) (param $count i32)
  (param $answers i32) (param $answer_count i32) (result i32)
  (local $outcomes i32) (local $index i32)
  (local.set $outcomes (call $alloc (i32.mul (local.get $count) (i32.const 28))))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (local.get $count)))
      (call $score
        (i32.add (local.get $outcomes) (i32.mul (local.get $index) (i32.const 28)))
        (f64.convert_i32_u (global.get $calls))
        (f64.const 1))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (call $progress (i32.const 1) (local.get $outcomes) (local.get $count)))
