using System.Text.Json;

namespace FineTuneService.Engine.Datasets;

/// <summary>The items of a JSON array that is a whole file, alone or under the one key <c>data</c>. Only one item is held at a time.</summary>
internal sealed class JsonItems(StreamBuffer buffer, WarningList warnings, ProblemList problems)
{
    private readonly int _firstLine = buffer.Line;
    private JsonReaderState _state = new(JsonLines.Options);
    private ReadOnlyMemory<byte> _item;

    /// <summary>Whether a file that starts with these bytes is such an array.</summary>
    public static bool IsAt(ReadOnlySpan<byte> start)
    {
        try
        {
            var reader = new Utf8JsonReader(start, isFinalBlock: false, default);
            if (!reader.Read()) return false;
            if (reader.TokenType == JsonTokenType.StartArray) return true;
            return reader.TokenType == JsonTokenType.StartObject
                && reader.Read() && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("data"u8)
                && reader.Read() && reader.TokenType == JsonTokenType.StartArray;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    public IEnumerable<(RowPlace, JsonElement)> Read()
    {
        if (Token() == JsonTokenType.StartObject)
        {
            warnings.Add(0, "the rows were taken from the array under the key 'data'.");
            Token();
            Token();
        }
        var number = 0;
        while (!problems.IsFull && Next(++number) is { } place)
        {
            using var document = Parse(place);
            if (document is not null) yield return (place, document.RootElement);
        }
        if (problems.IsFull) yield break;
        Token(); // The array's end.
        if (Token() == JsonTokenType.PropertyName)
            throw new DatasetException(buffer.Line, "the object has keys beside 'data'; JSONL has one row a line, and a wrapped array only 'data'.");
        Token(); // Nothing may follow.
    }

    /// <summary>Finds the next item; null behind the last.</summary>
    private RowPlace? Next(int number)
    {
        while (true)
        {
            var unread = buffer.Unread;
            if (TryNext(unread.Span) is { } found)
            {
                var (start, end) = found;
                if (end < 0) return null;
                var line = buffer.Line + unread.Span[..start].Count((byte)'\n');
                _item = unread[start..end];
                buffer.Take(end);
                return new RowPlace(line, number);
            }
            buffer.FillUp();
        }
    }

    /// <returns>Where the next item lies; an end of -1 behind the last item; null where more has to be read.</returns>
    private (int Start, int End)? TryNext(ReadOnlySpan<byte> unread)
    {
        try
        {
            var reader = new Utf8JsonReader(unread, buffer.Ended, _state);
            if (!reader.Read()) return null;
            if (reader.TokenType == JsonTokenType.EndArray) return (0, -1);
            var start = (int)reader.TokenStartIndex;
            if (!reader.TrySkip()) return null;
            _state = reader.CurrentState;
            return (start, (int)reader.BytesConsumed);
        }
        catch (JsonException error)
        {
            throw Broken(error);
        }
    }

    /// <summary>Takes one token; none at the end of the file.</summary>
    private JsonTokenType Token()
    {
        while (true)
        {
            try
            {
                var reader = new Utf8JsonReader(buffer.Unread.Span, buffer.Ended, _state);
                if (reader.Read() || buffer.Ended)
                {
                    _state = reader.CurrentState;
                    buffer.Take((int)reader.BytesConsumed);
                    return reader.TokenType;
                }
            }
            catch (JsonException error)
            {
                throw Broken(error);
            }
            buffer.FillUp();
        }
    }

    private JsonDocument? Parse(RowPlace place)
    {
        try
        {
            return JsonLines.ParseRow(_item, place.Line);
        }
        catch (DatasetException refused)
        {
            problems.Add(refused.Problem, refused.Kind);
            return null;
        }
    }

    /// <summary>The reader counts lines from its first byte on.</summary>
    private DatasetException Broken(JsonException error) => JsonLines.Broken(_firstLine + (int)(error.LineNumber ?? 0), error);
}
