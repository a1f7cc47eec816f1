;; Grows a table without end.

;; section: table
(table $table 1 funcref)

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (loop $more
    (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
  (unreachable))
