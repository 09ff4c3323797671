using System.Buffers.Binary;

namespace FineTuneService.Tests.Telemetry;

/// <summary>Reads protobuf's wire format, field by field: as much as an OTLP receiver needs and no schema.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The field's number.</summary>
    public int Field { get; private set; }

    /// <summary>The bytes of a length-delimited field; empty for the other wire types.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The bits of a varint or of a fixed field of 64 bits; 0 for the other wire types.</summary>
    public ulong Bits { get; private set; }

    /// <summary>Moves to the next field; false at the message's end.</summary>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        var key = Varint();
        Field = (int)(key >> 3);
        Bytes = default;
        Bits = 0;
        switch (key & 7)
        {
            case 0: Bits = Varint(); break;
            case 1:
                Bits = BinaryPrimitives.ReadUInt64LittleEndian(_rest);
                _rest = _rest[8..];
                break;
            case 2:
                var length = (int)Varint();
                Bytes = _rest[..length];
                _rest = _rest[length..];
                break;
            case 5: _rest = _rest[4..]; break;
            default: throw new InvalidDataException($"wire type {key & 7}");
        }
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }
}
