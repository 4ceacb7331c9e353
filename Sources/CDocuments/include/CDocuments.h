#ifndef CARILLON_DOCUMENTS_H
#define CARILLON_DOCUMENTS_H

#include <stddef.h>

// The descriptions of the interfaces as they are in schemas/, built into the program that serves them: the bytes, which
// live as long as the process, and how many there are.

const unsigned char *carillon_openapi(size_t *size);
const unsigned char *carillon_asyncapi(size_t *size);

#endif
