// The AMQP 0-9-1 wire format, encoded and decoded by librabbitmq, without its sockets.
//
// Rules that hold for every function here:
// - Nothing blocks, nothing aborts, nothing touches a socket. Failures are returned as a negative camqp_status.
// - Input buffers are borrowed for the length of the call and never kept.
// - Output structures hold offsets (camqp_span) into an arena instead of pointers into the library's memory.
// - A codec is confined to one thread at a time; two codecs share nothing.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a call may return instead of a count.
enum {
    CAMQP_OK = 0,
    CAMQP_MALFORMED = -1,     ///< the bytes are no AMQP 0-9-1 frame, or contradict themselves
    CAMQP_TOO_LARGE = -2,     ///< a frame above frame_max, a short string above 255 bytes, nesting above 32
    CAMQP_UNSUPPORTED = -3,   ///< a method that this client neither sends nor expects
    CAMQP_NO_MEMORY = -4,     ///< an allocation failed; the codec must be freed
    CAMQP_NO_ROOM = -5,       ///< the output buffer is too small
};

/// Frame kinds, as on the wire.
enum { CAMQP_FRAME_METHOD = 1, CAMQP_FRAME_HEADER = 2, CAMQP_FRAME_BODY = 3, CAMQP_FRAME_HEARTBEAT = 8 };

/// Method numbers: class << 16 | method.
enum {
    CAMQP_CONNECTION_START = 0x000A000A,
    CAMQP_CONNECTION_START_OK = 0x000A000B,
    CAMQP_CONNECTION_TUNE = 0x000A001E,
    CAMQP_CONNECTION_TUNE_OK = 0x000A001F,
    CAMQP_CONNECTION_OPEN = 0x000A0028,
    CAMQP_CONNECTION_OPEN_OK = 0x000A0029,
    CAMQP_CONNECTION_CLOSE = 0x000A0032,
    CAMQP_CONNECTION_CLOSE_OK = 0x000A0033,
    CAMQP_CONNECTION_BLOCKED = 0x000A003C,
    CAMQP_CONNECTION_UNBLOCKED = 0x000A003D,
    CAMQP_CHANNEL_OPEN = 0x0014000A,
    CAMQP_CHANNEL_OPEN_OK = 0x0014000B,
    CAMQP_CHANNEL_FLOW = 0x00140014,
    CAMQP_CHANNEL_FLOW_OK = 0x00140015,
    CAMQP_CHANNEL_CLOSE = 0x00140028,
    CAMQP_CHANNEL_CLOSE_OK = 0x00140029,
    CAMQP_EXCHANGE_DECLARE = 0x0028000A,
    CAMQP_EXCHANGE_DECLARE_OK = 0x0028000B,
    CAMQP_QUEUE_DECLARE = 0x0032000A,
    CAMQP_QUEUE_DECLARE_OK = 0x0032000B,
    CAMQP_QUEUE_BIND = 0x00320014,
    CAMQP_QUEUE_BIND_OK = 0x00320015,
    CAMQP_QUEUE_UNBIND = 0x00320032,
    CAMQP_QUEUE_UNBIND_OK = 0x00320033,
    CAMQP_BASIC_QOS = 0x003C000A,
    CAMQP_BASIC_QOS_OK = 0x003C000B,
    CAMQP_BASIC_CONSUME = 0x003C0014,
    CAMQP_BASIC_CONSUME_OK = 0x003C0015,
    CAMQP_BASIC_CANCEL = 0x003C001E,
    CAMQP_BASIC_CANCEL_OK = 0x003C001F,
    CAMQP_BASIC_PUBLISH = 0x003C0028,
    CAMQP_BASIC_RETURN = 0x003C0032,
    CAMQP_BASIC_DELIVER = 0x003C003C,
    CAMQP_BASIC_ACK = 0x003C0050,
    CAMQP_BASIC_REJECT = 0x003C005A,
    CAMQP_BASIC_NACK = 0x003C0078,
    CAMQP_CONFIRM_SELECT = 0x0055000A,
    CAMQP_CONFIRM_SELECT_OK = 0x0055000B,
};

/// A run of bytes in an arena.
typedef struct {
    uint32_t offset;
    uint32_t count;
} camqp_span;

/// One value of a field table. A table is a list of these in preorder: a table or array is followed by its children.
///
/// `kind` is one of `t` bool (integer), `l` integer, `d` number, `S` string (bytes), `x` bytes, `T` timestamp (integer),
/// `F` table, `A` array, `V` void. Every other integer or decimal kind of the wire is widened to `l` or `d`.
typedef struct {
    uint8_t kind;
    uint32_t children;
    camqp_span key;
    camqp_span bytes;
    int64_t integer;
    double number;
} camqp_field;

/// One method with its arguments. Which member holds which argument, by method (bits of `flags` from 1 upwards):
///
/// | method              | a         | b        | c           | x, y, z                          | number       | flags |
/// |---------------------|-----------|----------|-------------|----------------------------------|--------------|-------|
/// | connection.start    | mechanisms| locales  |             | major, minor                     |              |       |
/// | connection.start-ok | mechanism | response | locale      |                                  |              |       |
/// | connection.tune(-ok)|           |          |             | channel max, frame max, heartbeat|              |       |
/// | connection.open     | vhost     |          |             |                                  |              |       |
/// | *.close             | text      |          |             | code, class, method              |              |       |
/// | connection.blocked  | reason    |          |             |                                  |              |       |
/// | channel.flow(-ok)   |           |          |             |                                  |              | active |
/// | exchange.declare    | exchange  | type     |             |                                  |              | passive, durable, auto-delete, internal |
/// | queue.declare       | queue     |          |             |                                  |              | passive, durable, exclusive, auto-delete |
/// | queue.declare-ok    | queue     |          |             | messages, consumers              |              |       |
/// | queue.bind          | queue     | exchange | routing key |                                  |              |       |
/// | queue.unbind        | queue     | exchange | routing key |                                  |              |       |
/// | basic.qos           |           |          |             | count                            |              | global |
/// | basic.consume       | queue     | tag      |             |                                  |              | no-local, no-ack, exclusive |
/// | basic.consume-ok    | tag       |          |             |                                  |              |       |
/// | basic.cancel(-ok)   | tag       |          |             |                                  |              |       |
/// | basic.publish       | exchange  | key      |             |                                  |              | mandatory |
/// | basic.return        | text      | exchange | routing key | code                             |              |       |
/// | basic.deliver       | tag       | exchange | routing key |                                  | delivery tag | redelivered |
/// | basic.ack           |           |          |             |                                  | delivery tag | multiple |
/// | basic.nack          |           |          |             |                                  | delivery tag | multiple, requeue |
/// | basic.reject        |           |          |             |                                  | delivery tag | requeue |
typedef struct {
    uint32_t id;
    uint32_t flags;
    uint32_t x, y, z;
    uint64_t number;
    camqp_span a, b, c;
} camqp_method;

/// Bits of `camqp_properties.present`.
enum {
    CAMQP_HAS_CONTENT_TYPE = 1,
    CAMQP_HAS_HEADERS = 2,
    CAMQP_HAS_DELIVERY_MODE = 4,
    CAMQP_HAS_CORRELATION_ID = 8,
    CAMQP_HAS_REPLY_TO = 16,
    CAMQP_HAS_EXPIRATION = 32,
    CAMQP_HAS_MESSAGE_ID = 64,
    CAMQP_HAS_TYPE = 128,
    CAMQP_HAS_USER_ID = 256,
};

/// The properties of a message; headers travel as a field list beside it.
typedef struct {
    uint32_t present;
    uint8_t delivery_mode;
    camqp_span content_type, correlation_id, reply_to, expiration, message_id, type, user_id;
} camqp_properties;

/// One decoded frame. All pointers are borrowed from the codec and end with the next call on it.
typedef struct {
    uint8_t kind;
    uint16_t channel;
    camqp_method method;          ///< valid for a method frame
    camqp_properties properties;  ///< valid for a header frame
    uint64_t body_size;           ///< valid for a header frame
    const uint8_t *body;          ///< valid for a body frame
    size_t body_count;
    const uint8_t *arena;         ///< what the spans point into
    size_t arena_count;
    const camqp_field *fields;    ///< the method's table or the message's headers
    size_t field_count;
} camqp_frame;

/// Decodes frames of one connection. Owned by whoever called camqp_codec_new.
typedef struct camqp_codec camqp_codec;

/// Makes a decoder. The caller owns the result and gives it to camqp_codec_free once. NULL when memory is short.
camqp_codec *camqp_codec_new(uint32_t frame_max);

/// Ends a decoder and everything borrowed from it. NULL is allowed.
void camqp_codec_free(camqp_codec *codec);

/// The length in bytes of the frame that `bytes` begins with, 0 when fewer than 7 bytes are there, or a negative
/// status when no frame of at most `frame_max` bytes can begin like this. Keeps nothing.
int64_t camqp_frame_length(const uint8_t *bytes, size_t count, uint32_t frame_max);

/// Decodes exactly one whole frame (as long as camqp_frame_length says). Copies what it needs: `bytes` is free
/// afterwards, `out` borrows from the codec. Returns CAMQP_OK or a negative status, after which the codec is of no use.
int camqp_decode(camqp_codec *codec, const uint8_t *bytes, size_t count, camqp_frame *out);

/// Writes a method frame to `out` and returns its length or a negative status. `arena` and `fields` are borrowed.
int64_t camqp_encode_method(uint16_t channel, const camqp_method *method, const uint8_t *arena, size_t arena_count,
                            const camqp_field *fields, size_t field_count, uint8_t *out, size_t capacity);

/// Writes a content header frame to `out` and returns its length or a negative status. All inputs are borrowed.
int64_t camqp_encode_header(uint16_t channel, const camqp_properties *properties, uint64_t body_size,
                            const uint8_t *arena, size_t arena_count, const camqp_field *fields, size_t field_count,
                            uint8_t *out, size_t capacity);
