using System.Buffers.Binary;

namespace FineTuneService.Engine.Tokenizers.Conversion;

/// <summary>Walks a protobuf message's fields (https://protobuf.dev/programming-guides/encoding): as much of it as sentencepiece's files need.</summary>
/// <param name="message">The message's bytes.</param>
internal ref struct ProtobufFields(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The field's number.</summary>
    public int Number { get; private set; }

    /// <summary>A varint's value, or the bits of a fixed one.</summary>
    public ulong Value { get; private set; }

    /// <summary>A text, a list of bytes, or a message; empty for numbers.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly float Single => BitConverter.UInt32BitsToSingle((uint)Value);

    /// <summary>Goes on to the next field; false at the end.</summary>
    /// <exception cref="TokenizerException">The message is truncated or damaged.</exception>
    public bool Next()
    {
        if (_rest.IsEmpty) return false;
        ulong key = Varint();
        Number = (int)Math.Min(key >> 3, int.MaxValue);
        Value = 0;
        Bytes = default;
        switch (key & 7)
        {
            case 0:
                Value = Varint();
                break;
            case 1:
                Value = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
                break;
            case 2:
                Bytes = Take(Varint());
                break;
            case 5:
                Value = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
                break;
            default:
                throw Damaged();
        }
        return true;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (int shift = 0; shift < 64; shift += 7)
        {
            byte part = Take(1)[0];
            value |= (ulong)(part & 127) << shift;
            if (part < 128) return value;
        }
        throw Damaged();
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length) throw Damaged();
        ReadOnlySpan<byte> taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private static TokenizerException Damaged() => new("tokenizer.model: it is truncated, or no sentencepiece model");
}
