/* What the fuzz targets share: one function each, and a check that works in every build. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise of the code under test; broken, it is a finding. */
#define PROMISE(condition) ((condition) ? (void)0 : abort())

#endif
