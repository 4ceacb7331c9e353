#include "CAMQPCodec.h"
typedef int camqp_unused;
