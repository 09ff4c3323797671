namespace FineTuneService.Completions;

/// <summary>Calls of custom tools, whose input is read out of the arguments as they come; what else is told stays as it is.</summary>
/// <param name="custom">Their names.</param>
internal sealed class CustomCallText(ChoiceText inner, IReadOnlySet<string> custom) : ChoiceText
{
    private readonly SortedDictionary<int, InputText> _inputs = [];

    public override bool HasCalls => inner.HasCalls;

    public override IEnumerable<ChunkDelta> Add(string text) => [.. inner.Add(text).Select(Told).OfType<ChunkDelta>()];

    public override IEnumerable<ChunkDelta> End(bool whole)
    {
        ChunkDelta[] last = [.. inner.End(whole).Select(Told).OfType<ChunkDelta>()];
        return [.. last, .. _inputs.Select(one => (Index: one.Key, Left: one.Value.End())).Where(one => one.Left.Length > 0).Select(one => Input(one.Index, one.Left))];
    }

    /// <returns>Null where a piece of arguments tells nothing yet.</returns>
    private ChunkDelta? Told(ChunkDelta delta)
    {
        if (delta.ToolCalls is not [{ Index: { } index, Function: { } function } call]) return delta;
        if (function.Name is { } name && custom.Contains(name))
        {
            _inputs[index] = new InputText();
            return new ChunkDelta(null, null, [new ToolCallBody { Index = index, Id = call.Id, Type = "custom", Custom = new CustomCall { Name = name, Input = _inputs[index].Add(function.Arguments) } }]);
        }
        if (!_inputs.TryGetValue(index, out InputText? input)) return delta;
        string more = input.Add(function.Arguments);
        return more.Length == 0 ? null : Input(index, more);
    }

    private static ChunkDelta Input(int index, string text) => new(null, null, [new ToolCallBody { Index = index, Custom = new CustomCall { Input = text } }]);
}
