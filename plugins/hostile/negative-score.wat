;; Scores below the range that it describes.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call $score (local.get $outcome) (f64.const -1) (f64.const 1)))
