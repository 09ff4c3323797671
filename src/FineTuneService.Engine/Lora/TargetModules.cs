namespace FineTuneService.Engine.Lora;

/// <summary>PEFT's target_modules: which linear layers an adapter is put on.</summary>
internal sealed class TargetModules(IReadOnlyList<string> names)
{
    private readonly HashSet<string> _unmatched = [.. names];

    /// <summary>Whether a layer is targeted: by its full name, a suffix of it after a dot, or one of the words for all of them.</summary>
    public bool Match(string module)
    {
        bool matched = false;
        foreach (string name in names)
        {
            if (!Matches(name, module)) continue;
            _unmatched.Remove(name);
            matched = true;
        }
        return matched;
    }

    /// <exception cref="ArgumentException">A name that has matched no layer.</exception>
    public void RequireAllMatched()
    {
        if (_unmatched.Count > 0)
            throw new ArgumentException($"target module {string.Join(", ", _unmatched.Order())}: the model has no such linear layer");
    }

    private static bool Matches(string name, string module) => name switch
    {
        LoraConfig.AllLinear => module != "lm_head",
        LoraConfig.AllLinearAndHead => true,
        _ => module == name || module.EndsWith("." + name, StringComparison.Ordinal),
    };
}
