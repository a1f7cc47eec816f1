;; Wants 4 GiB before it has done anything.

;; section: memory
(memory (export "memory") 65536)
