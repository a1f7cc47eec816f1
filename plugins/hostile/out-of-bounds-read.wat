;; Reads behind the end of its memory.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (drop (i32.load (i32.const -8))))
