;; Thinks about one response for ever.

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $forever (br $forever)))
