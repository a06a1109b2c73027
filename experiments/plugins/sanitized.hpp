// SPDX-License-Identifier: MIT
//
// Whether this is a build with AddressSanitizer or ThreadSanitizer, which need much
// time and reserve more address space than there is memory.
#pragma once

namespace batchlab {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

}  // namespace batchlab
