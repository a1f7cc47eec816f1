;; base: benchmark
;; Never makes an item of one row.

;; section: poison
(func $poison_row (param $item i32)
  (loop $forever (br $forever)))
