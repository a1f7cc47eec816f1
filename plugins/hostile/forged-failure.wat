;; Reports a failure under a code that only the host gives.

;; section: poison
(data (i32.const 1300) "fuel")
(func $poison (param $outcome i32) (param $sample i32)
  (i32.store8 (local.get $outcome) (i32.const 2))
  (call $pair (i32.add (local.get $outcome) (i32.const 4)) (i32.const 1300) (i32.const 4))
  (call $pair (i32.add (local.get $outcome) (i32.const 12)) (i32.const 1024) (i32.const 7)))
