;; Scores a metric that it never described.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const 1) (f64.const 1))
  (call $pair (i32.load offset=4 (local.get $outcome)) (i32.const 1024) (i32.const 7)))
