;; Marks one character ten thousand times.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (local $list i32) (local $index i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (local.set $list (call $alloc (i32.const 160000)))
  (block $end
    (loop $next
      (br_if $end (i32.eq (local.get $index) (i32.const 10000)))
      (i32.store offset=4 (i32.add (local.get $list) (i32.mul (local.get $index) (i32.const 16))) (i32.const 1))
      (local.set $index (i32.add (local.get $index) (i32.const 1)))
      (br $next)))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (local.get $list) (i32.const 10000)))
