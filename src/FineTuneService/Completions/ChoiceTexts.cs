using System.Text;
using System.Text.RegularExpressions;
using FineTuneService.Engine.Chat.Tools;
using FineTuneService.Hosting;

namespace FineTuneService.Completions;

/// <summary>What a choice's text is to the client: content, or calls. It is told as the text comes, so that a whole answer is the sum of a stream's deltas.</summary>
internal abstract class ChoiceText
{
    public virtual bool HasCalls { get; protected set; }

    public abstract IEnumerable<ChunkDelta> Add(string text);

    /// <summary>The text has ended.</summary>
    /// <param name="whole">It was not cut.</param>
    public virtual IEnumerable<ChunkDelta> End(bool whole) => [];

    protected static ChunkDelta Content(string text) => new(null, text);

    protected ChunkDelta Begin(int index, string name, string arguments)
    {
        HasCalls = true;
        return new ChunkDelta(null, null, [new ToolCallBody { Index = index, Id = "call_" + Ids.New("call")["call-".Length..], Type = "function", Function = new ToolFunction { Name = name, Arguments = arguments } }]);
    }

    protected static ChunkDelta Arguments(int index, string text) => new(null, null, [new ToolCallBody { Index = index, Function = new ToolFunction { Arguments = text } }]);
}

/// <summary>The text is the content.</summary>
internal sealed class PlainText : ChoiceText
{
    public override IEnumerable<ChunkDelta> Add(string text) => [Content(text)];
}

/// <summary>The text is the arguments of a call that was asked for.</summary>
internal sealed class ArgumentsText(string function) : ChoiceText
{
    public override IEnumerable<ChunkDelta> Add(string text) => HasCalls ? [Arguments(0, text)] : [Begin(0, function, ""), Arguments(0, text)];
}

/// <summary>The text is a call, held to a schema: {"name": …, "arguments": …}.</summary>
internal sealed partial class CallText : ChoiceText
{
    private readonly StringBuilder _held = new();

    public override IEnumerable<ChunkDelta> Add(string text)
    {
        _held.Append(text);
        if (!HasCalls)
        {
            if (Head().Match(_held.ToString()) is not { Success: true } head) return [];
            _held.Remove(0, head.Length);
            string name = System.Text.Json.JsonSerializer.Deserialize<string>(head.Groups[1].Value)!;
            return [Begin(0, name, ""), .. Certain()];
        }
        return Certain();
    }

    public override IEnumerable<ChunkDelta> End(bool whole)
    {
        string rest = _held.ToString();
        if (!HasCalls) return [];
        // The last brace is the call's own.
        return whole && rest.EndsWith('}') ? rest.Length > 1 ? [Arguments(0, rest[..^1])] : [] : rest.Length > 0 ? [Arguments(0, rest)] : [];
    }

    private ChunkDelta[] Certain()
    {
        if (_held.Length < 2) return [];
        string certain = _held.ToString(0, _held.Length - 1);
        _held.Remove(0, certain.Length);
        return [Arguments(0, certain)];
    }

    [GeneratedRegex("""^\{"name": ?("(?:[^"\\]|\\.)*"), ?"(?:arguments|parameters)": ?""")]
    private static partial Regex Head();
}

/// <summary>The text is content, calls, or both: the model's own choice. What may become a call is held back.</summary>
internal sealed class FreeText(ToolCallParser parser, bool several) : ChoiceText
{
    private readonly StringBuilder _all = new();
    private int _told;

    public override IEnumerable<ChunkDelta> Add(string text)
    {
        _all.Append(text);
        string all = _all.ToString();
        int certain = ToolCallParser.TextLength(all);
        if (certain <= _told) return [];
        string more = all[_told..certain];
        _told = certain;
        return [Content(more)];
    }

    public override IEnumerable<ChunkDelta> End(bool whole)
    {
        (string text, IReadOnlyList<ToolCall> calls) = parser.Parse(_all.ToString());
        if (!several && calls.Count > 1) calls = [calls[0]];
        ChunkDelta[] rest = text.Length > _told ? [Content(text[_told..])] : [];
        return [.. rest, .. calls.Select((call, i) => Begin(i, call.Name, call.Arguments))];
    }
}
