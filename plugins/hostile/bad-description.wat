;; Describes itself under an id that could be taken for a path.

;; section: data
(data (i32.const 1024) "../../a")
(data (i32.const 1032) "0.1.0")
(data (i32.const 1040) "Finds responses that begin with y.")
(data (i32.const 1080) "{}")
(data (i32.const 1088) "presence")
(data (i32.const 1096) "state")
