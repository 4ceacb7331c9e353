import CAMQPCodec

// The C header's table says which member of `camqp_method` holds which argument.

extension Method {
    /// The method as the C codec takes it; texts and tables go to the arena.
    func wire(_ arena: inout WireArena) -> camqp_method {
        var m = camqp_method()
        func bits(_ flags: Bool...) -> UInt32 {
            flags.enumerated().reduce(0) { $0 | ($1.element ? 1 << $1.offset : 0) }
        }
        func id(_ value: Int) -> UInt32 { UInt32(value) }
        switch self {
        case .connectionStart(let major, let minor, let properties, let mechanisms):
            m.id = id(CAMQP_CONNECTION_START)
            m.x = UInt32(major)
            m.y = UInt32(minor)
            m.a = arena.span(mechanisms)
            m.b = arena.span("en_US")
            arena.append(table: properties)
        case .connectionStartOK(let properties, let mechanism, let response):
            m.id = id(CAMQP_CONNECTION_START_OK)
            m.a = arena.span(mechanism)
            m.b = arena.span(response)
            m.c = arena.span("en_US")
            arena.append(table: properties)
        case .connectionTune(let limits), .connectionTuneOK(let limits):
            if case .connectionTune = self {
                m.id = id(CAMQP_CONNECTION_TUNE)
            } else {
                m.id = id(CAMQP_CONNECTION_TUNE_OK)
            }
            m.x = UInt32(limits.channelMax)
            m.y = limits.frameMax
            m.z = UInt32(limits.heartbeat)
        case .connectionOpen(let virtualHost):
            m.id = id(CAMQP_CONNECTION_OPEN)
            m.a = arena.span(virtualHost)
        case .connectionOpenOK: m.id = id(CAMQP_CONNECTION_OPEN_OK)
        case .connectionClose(let closing), .channelClose(let closing):
            if case .connectionClose = self {
                m.id = id(CAMQP_CONNECTION_CLOSE)
            } else {
                m.id = id(CAMQP_CHANNEL_CLOSE)
            }
            m.x = UInt32(closing.code)
            m.y = closing.about >> 16
            m.z = closing.about & 0xFFFF
            m.a = arena.span(closing.text)
        case .connectionCloseOK: m.id = id(CAMQP_CONNECTION_CLOSE_OK)
        case .connectionBlocked(let reason):
            m.id = id(CAMQP_CONNECTION_BLOCKED)
            m.a = arena.span(reason)
        case .connectionUnblocked: m.id = id(CAMQP_CONNECTION_UNBLOCKED)
        case .channelOpen: m.id = id(CAMQP_CHANNEL_OPEN)
        case .channelOpenOK: m.id = id(CAMQP_CHANNEL_OPEN_OK)
        case .channelFlow(let active):
            m.id = id(CAMQP_CHANNEL_FLOW)
            m.flags = bits(active)
        case .channelFlowOK(let active):
            m.id = id(CAMQP_CHANNEL_FLOW_OK)
            m.flags = bits(active)
        case .channelCloseOK: m.id = id(CAMQP_CHANNEL_CLOSE_OK)
        case .exchangeDeclare(let exchange):
            m.id = id(CAMQP_EXCHANGE_DECLARE)
            m.a = arena.span(exchange.name)
            m.b = arena.span(exchange.kind.rawValue)
            m.flags = bits(false, exchange.durable)
        case .exchangeDeclareOK: m.id = id(CAMQP_EXCHANGE_DECLARE_OK)
        case .queueDeclare(let queue):
            m.id = id(CAMQP_QUEUE_DECLARE)
            m.a = arena.span(queue.name)
            m.flags = bits(false, queue.durable, queue.exclusive, queue.autoDelete)
            arena.append(table: queue.declaredArguments)
        case .queueDeclareOK(let queue, let messages, let consumers):
            m.id = id(CAMQP_QUEUE_DECLARE_OK)
            m.a = arena.span(queue)
            m.x = messages
            m.y = consumers
        case .queueBind(let binding):
            m.id = id(CAMQP_QUEUE_BIND)
            m.a = arena.span(binding.queue)
            m.b = arena.span(binding.exchange)
            m.c = arena.span(binding.routingKey)
        case .queueBindOK: m.id = id(CAMQP_QUEUE_BIND_OK)
        case .queueUnbind(let binding):
            m.id = id(CAMQP_QUEUE_UNBIND)
            m.a = arena.span(binding.queue)
            m.b = arena.span(binding.exchange)
            m.c = arena.span(binding.routingKey)
        case .queueUnbindOK: m.id = id(CAMQP_QUEUE_UNBIND_OK)
        case .basicQos(let prefetch):
            m.id = id(CAMQP_BASIC_QOS)
            m.x = UInt32(prefetch)
        case .basicQosOK: m.id = id(CAMQP_BASIC_QOS_OK)
        case .basicConsume(let queue, let tag):
            m.id = id(CAMQP_BASIC_CONSUME)
            m.a = arena.span(queue)
            m.b = arena.span(tag)
            // Direct reply-to works only without acknowledgements.
            m.flags = bits(false, queue == Method.directReplyQueue)
        case .basicConsumeOK(let tag):
            m.id = id(CAMQP_BASIC_CONSUME_OK)
            m.a = arena.span(tag)
        case .basicCancel(let tag):
            m.id = id(CAMQP_BASIC_CANCEL)
            m.a = arena.span(tag)
        case .basicCancelOK(let tag):
            m.id = id(CAMQP_BASIC_CANCEL_OK)
            m.a = arena.span(tag)
        case .basicPublish(let exchange, let routingKey, let mandatory):
            m.id = id(CAMQP_BASIC_PUBLISH)
            m.a = arena.span(exchange)
            m.b = arena.span(routingKey)
            m.flags = mandatory ? 1 : 0
        case .basicReturn(let code, let text, let exchange, let routingKey):
            m.id = id(CAMQP_BASIC_RETURN)
            m.x = UInt32(code)
            m.a = arena.span(text)
            m.b = arena.span(exchange)
            m.c = arena.span(routingKey)
        case .basicDeliver(let consumer, let tag, let redelivered, let exchange, let routingKey):
            m.id = id(CAMQP_BASIC_DELIVER)
            m.number = tag
            m.a = arena.span(consumer)
            m.b = arena.span(exchange)
            m.c = arena.span(routingKey)
            m.flags = bits(redelivered)
        case .basicAck(let tag, let multiple):
            m.id = id(CAMQP_BASIC_ACK)
            m.number = tag
            m.flags = bits(multiple)
        case .basicNack(let tag, let multiple, let requeue):
            m.id = id(CAMQP_BASIC_NACK)
            m.number = tag
            m.flags = bits(multiple, requeue)
        case .basicReject(let tag, let requeue):
            m.id = id(CAMQP_BASIC_REJECT)
            m.number = tag
            m.flags = bits(requeue)
        case .confirmSelect: m.id = id(CAMQP_CONFIRM_SELECT)
        case .confirmSelectOK: m.id = id(CAMQP_CONFIRM_SELECT_OK)
        }
        return m
    }

    /// The pseudo queue on which replies come back to the channel that published the request.
    static let directReplyQueue = "amq.rabbitmq.reply-to"

    /// Reads a decoded method, or nil for one that a client never receives as a value.
    init?(_ m: camqp_method, _ reader: WireReader) {
        func flag(_ bit: UInt32) -> Bool { m.flags & bit != 0 }
        let limits = Limits(
            channelMax: UInt16(truncatingIfNeeded: m.x),
            frameMax: m.y,
            heartbeat: UInt16(truncatingIfNeeded: m.z)
        )
        func closing() -> Closing {
            Closing(code: UInt16(truncatingIfNeeded: m.x), text: reader.text(m.a), about: m.y << 16 | (m.z & 0xFFFF))
        }
        switch Int(m.id) {
        case CAMQP_CONNECTION_START:
            self = .connectionStart(
                major: UInt8(truncatingIfNeeded: m.x),
                minor: UInt8(truncatingIfNeeded: m.y),
                properties: reader.table(),
                mechanisms: reader.text(m.a)
            )
        case CAMQP_CONNECTION_START_OK:
            self = .connectionStartOK(
                properties: reader.table(),
                mechanism: reader.text(m.a),
                response: reader.text(m.b)
            )
        case CAMQP_CONNECTION_TUNE: self = .connectionTune(limits)
        case CAMQP_CONNECTION_TUNE_OK: self = .connectionTuneOK(limits)
        case CAMQP_CONNECTION_OPEN: self = .connectionOpen(virtualHost: reader.text(m.a))
        case CAMQP_CONNECTION_OPEN_OK: self = .connectionOpenOK
        case CAMQP_CONNECTION_CLOSE: self = .connectionClose(closing())
        case CAMQP_CONNECTION_CLOSE_OK: self = .connectionCloseOK
        case CAMQP_CONNECTION_BLOCKED: self = .connectionBlocked(reason: reader.text(m.a))
        case CAMQP_CONNECTION_UNBLOCKED: self = .connectionUnblocked
        case CAMQP_CHANNEL_OPEN: self = .channelOpen
        case CAMQP_CHANNEL_OPEN_OK: self = .channelOpenOK
        case CAMQP_CHANNEL_FLOW: self = .channelFlow(active: flag(1))
        case CAMQP_CHANNEL_FLOW_OK: self = .channelFlowOK(active: flag(1))
        case CAMQP_CHANNEL_CLOSE: self = .channelClose(closing())
        case CAMQP_CHANNEL_CLOSE_OK: self = .channelCloseOK
        case CAMQP_EXCHANGE_DECLARE:
            guard let kind = Exchange.Kind(rawValue: reader.text(m.b)) else { return nil }
            self = .exchangeDeclare(Exchange(name: reader.text(m.a), kind: kind, durable: flag(2)))
        case CAMQP_EXCHANGE_DECLARE_OK: self = .exchangeDeclareOK
        case CAMQP_QUEUE_DECLARE:
            self = .queueDeclare(
                Queue(
                    name: reader.text(m.a),
                    durable: flag(2),
                    autoDelete: flag(8),
                    exclusive: flag(4),
                    arguments: reader.table()
                )
            )
        case CAMQP_QUEUE_DECLARE_OK: self = .queueDeclareOK(queue: reader.text(m.a), messages: m.x, consumers: m.y)
        case CAMQP_QUEUE_BIND:
            self = .queueBind(
                Binding(queue: reader.text(m.a), exchange: reader.text(m.b), routingKey: reader.text(m.c))
            )
        case CAMQP_QUEUE_BIND_OK: self = .queueBindOK
        case CAMQP_QUEUE_UNBIND:
            self = .queueUnbind(
                Binding(queue: reader.text(m.a), exchange: reader.text(m.b), routingKey: reader.text(m.c))
            )
        case CAMQP_QUEUE_UNBIND_OK: self = .queueUnbindOK
        case CAMQP_BASIC_QOS: self = .basicQos(prefetch: UInt16(truncatingIfNeeded: m.x))
        case CAMQP_BASIC_QOS_OK: self = .basicQosOK
        case CAMQP_BASIC_CONSUME: self = .basicConsume(queue: reader.text(m.a), tag: reader.text(m.b))
        case CAMQP_BASIC_CONSUME_OK: self = .basicConsumeOK(tag: reader.text(m.a))
        case CAMQP_BASIC_CANCEL: self = .basicCancel(tag: reader.text(m.a))
        case CAMQP_BASIC_CANCEL_OK: self = .basicCancelOK(tag: reader.text(m.a))
        case CAMQP_BASIC_PUBLISH:
            self = .basicPublish(exchange: reader.text(m.a), routingKey: reader.text(m.b), mandatory: flag(1))
        case CAMQP_BASIC_RETURN:
            self = .basicReturn(
                code: UInt16(truncatingIfNeeded: m.x),
                text: reader.text(m.a),
                exchange: reader.text(m.b),
                routingKey: reader.text(m.c)
            )
        case CAMQP_BASIC_DELIVER:
            self = .basicDeliver(
                consumer: reader.text(m.a),
                tag: m.number,
                redelivered: flag(1),
                exchange: reader.text(m.b),
                routingKey: reader.text(m.c)
            )
        case CAMQP_BASIC_ACK: self = .basicAck(tag: m.number, multiple: flag(1))
        case CAMQP_BASIC_NACK: self = .basicNack(tag: m.number, multiple: flag(1), requeue: flag(2))
        case CAMQP_BASIC_REJECT: self = .basicReject(tag: m.number, requeue: flag(1))
        case CAMQP_CONFIRM_SELECT: self = .confirmSelect
        case CAMQP_CONFIRM_SELECT_OK: self = .confirmSelectOK
        default: return nil
        }
    }
}
