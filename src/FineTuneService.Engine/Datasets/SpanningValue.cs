using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>Recognises a value that is written over several lines, which JSONL does not allow.</summary>
internal sealed class SpanningValue
{
    /// <summary>Bytes looked at for the value's end.</summary>
    private const int Far = 1 << 20;

    private JsonReaderState _state = new(JsonLines.Options);

    /// <summary>What the reader has not taken of the lines before, such as a comma that nothing follows yet.</summary>
    private byte[] _rest = [];

    private SpanningValue() { }

    /// <summary>Takes the rest of the value that begins on a line.</summary>
    /// <param name="line">A line that is not JSON by itself.</param>
    /// <returns>Lines that the value has in all; 1 where it is broken, and nothing was taken.</returns>
    public static int TakeRest(ReadOnlySpan<byte> line, LineReader lines)
    {
        var value = new SpanningValue();
        var (count, offset) = (1, 0);
        var isUnfinished = value.Follow(line);
        while (isUnfinished == true && offset < Far && lines.Ahead(offset) is { } next)
        {
            count++;
            offset += next.Length + 1;
            isUnfinished = value.Follow(next.Span);
        }
        // One that ends nowhere near is not followed any further: the lines up to there are its own.
        if (isUnfinished is null || (isUnfinished == true && offset < Far)) return 1;
        for (var i = 1; i < count; i++) lines.Next();
        return count;
    }

    /// <returns>Whether the value goes on behind this line; null where it is broken.</returns>
    private bool? Follow(ReadOnlySpan<byte> line)
    {
        byte[] text = [.. _rest, .. line, (byte)'\n'];
        try
        {
            var reader = new Utf8JsonReader(text, isFinalBlock: false, _state);
            while (reader.Read())
            {
                // A value more may not stand behind a whole one.
                if (reader.CurrentDepth == 0 && reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                    return text.AsSpan((int)reader.BytesConsumed).Trim(" \t\r\n"u8).IsEmpty ? false : null;
            }
            _state = reader.CurrentState;
            _rest = text[(int)reader.BytesConsumed..];
            return true;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
