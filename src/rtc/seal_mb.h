/*
 * SRTP's ciphers by libipsec-mb: wide AES and GHASH, and SHA-1 of up to 16 packets side by side.
 * Landlord of libipsec-mb.
 *
 * Measured on AVX-512 with VAES, 1,200 bytes (the library alone; tools/bench/seal measures all of
 * it): GCM 80 ns by the direct calls, which need no batch. AES in counter mode 60 ns by cipher
 * bursts. SHA-1 of a lone packet is 2,800 ns in 16 lanes and 760 by the CPU's SHA instructions;
 * from five packets on the lanes win (190 ns at 16 and more). So there are two managers for CM: a
 * wide one, and one that is kept to SSE, where the library uses the SHA instructions. Bursts of
 * ciphers, then of hashes, beat the library's jobs that do both (243 to 252 ns at 64 packets of
 * 1,200 bytes, 73 to 91 at 100).
 *
 * Memory: GCM's expanded key has 48 powers of the hash key, 1,008 bytes in all, and takes 110 ns to
 * make anew. What we send has it ready; what we get, and RTCP, is opened with keys that lie
 * expanded in MB_SLOTS places of the engine (32 KiB), which sessions take from one another. The
 * engine has a manager of 200 KiB, and two more from the first CM session on.
 *
 * The library allocates its managers itself (decision 12); nothing on the packet path.
 */
#ifndef RTC_SEAL_MB_H
#define RTC_SEAL_MB_H

#include "rtc/seal.h"

extern const struct rtc_seal_kind rtc_seal_mb;

#endif
