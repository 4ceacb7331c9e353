#include "CDocuments.h"

#if !defined(__has_embed)
#error "this toolchain's clang has no #embed: use a newer Swift toolchain"
#endif

// The compiler notes an embedded file as something that this one depends on: a change builds it anew.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char openapi[] = {
#embed "../../schemas/openapi.yaml"
};

static const unsigned char asyncapi[] = {
#embed "../../schemas/asyncapi.yaml"
};

const unsigned char *carillon_openapi(size_t *size) {
    *size = sizeof openapi;
    return openapi;
}

const unsigned char *carillon_asyncapi(size_t *size) {
    *size = sizeof asyncapi;
    return asyncapi;
}
