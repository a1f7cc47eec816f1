;; Never finishes being instantiated.

;; section: start
(func $start (loop $forever (br $forever)))
(start $start)
