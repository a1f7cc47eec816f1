/* Included before every file of mlx-c and before bindgen reads its headers.
 *
 * Two gaps are filled. The C++20 library of GCC 12 has no <format>; fmt has the same interface, header-only.
 * On x86-64 mlx-c hides its half-precision functions, which mlx-rs expects: both types are passed as 16 bits.
 */
#ifndef REALIGN_MLX_COMPAT_H
#define REALIGN_MLX_COMPAT_H

#include <stdint.h>

#if defined(__x86_64__)
#define HAS_FLOAT16 1
#define HAS_BFLOAT16 1
typedef uint16_t float16_t;
typedef uint16_t bfloat16_t;
#endif

#if defined(__cplusplus)
#include <version>
#if !defined(__cpp_lib_format)
#define FMT_HEADER_ONLY 1
#include <fmt/format.h>
namespace std {
using fmt::format;
}
#endif
#endif

#endif
