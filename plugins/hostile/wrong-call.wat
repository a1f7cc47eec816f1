;; Calls a function as if it were another one.

;; section: table
(type $empty (func))
(table $table 1 funcref)
(elem (table $table) (i32.const 0) func $first)

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call_indirect $table (type $empty) (i32.const 0)))
