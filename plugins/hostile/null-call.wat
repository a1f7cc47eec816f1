;; Calls a function that is not there.

;; section: table
(type $empty (func))
(table $table 1 funcref)

;; section: poison
(func $poison (param $outcome i32) (param $sample i32)
  (call_indirect $table (type $empty) (i32.const 0)))
