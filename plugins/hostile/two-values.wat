;; Scores twice what it describes once.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (local $values i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (local.set $values (call $alloc (i32.const 48)))
  (memory.copy (local.get $values) (i32.load offset=4 (local.get $outcome)) (i32.const 24))
  (memory.copy (i32.add (local.get $values) (i32.const 24)) (i32.load offset=4 (local.get $outcome)) (i32.const 24))
  (call $pair (i32.add (local.get $outcome) (i32.const 4)) (local.get $values) (i32.const 2)))
