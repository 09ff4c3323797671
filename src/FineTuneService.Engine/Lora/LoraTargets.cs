namespace FineTuneService.Engine.Lora;

/// <summary>The low-rank matrices of one module.</summary>
/// <param name="Scaling">Factor of B·A.</param>
internal readonly record struct LoraSettings(int Rank, double Scaling);

/// <summary>What a module is: all-linear takes linear layers only, and leaves the head out.</summary>
internal enum TargetKind { Linear, Head, Embedding }

/// <summary>Which modules a config's adapter is put on, and with what rank and scaling: PEFT's check_target_module_exists and get_pattern_key.</summary>
internal sealed class LoraTargets
{
    private const string AnyList = @"[^.]*";

    private readonly LoraConfig _config;
    private readonly PythonPattern? _target, _exclude;
    private readonly PythonPattern[] _layers;
    private readonly (PythonPattern Pattern, int Rank)[] _ranks;
    private readonly (PythonPattern Pattern, double Alpha)[] _alphas;
    private readonly HashSet<string> _unmatched, _unmatchedSaved;

    /// <exception cref="ArgumentException">A pattern is no regular expression.</exception>
    public LoraTargets(LoraConfig config)
    {
        _config = config;
        _target = config.TargetPattern is null ? null : PythonPattern.Whole(config.TargetPattern);
        _exclude = config.ExcludePattern is null ? null : PythonPattern.Whole(config.ExcludePattern);
        _layers = config.LayersToTransform.Count == 0 ? [] : [.. (config.LayersPattern.Count == 0 ? [AnyList] : config.LayersPattern).Select(PythonPattern.Layer)];
        _ranks = [.. config.RankPattern.Select(entry => (PythonPattern.Suffix(entry.Key), entry.Value))];
        _alphas = [.. config.AlphaPattern.Select(entry => (PythonPattern.Suffix(entry.Key), entry.Value))];
        _unmatched = _target is null ? [.. config.TargetModules] : [config.TargetPattern!];
        _unmatchedSaved = [.. config.ModulesToSave];
    }

    /// <summary>What a module gets, or null where it is not targeted.</summary>
    /// <exception cref="ArgumentException">A pattern takes too long.</exception>
    public LoraSettings? For(string module, TargetKind kind = TargetKind.Linear) =>
        IsExcluded(module) || IsSaved(module) || !IsTarget(module, kind) ? null : SettingsOf(module);

    /// <summary>The rank and scaling that a module would have.</summary>
    public LoraSettings SettingsOf(string module)
    {
        int rank = Array.Find(_ranks, entry => entry.Pattern.Matches(module)) is { Pattern: not null } ranked ? ranked.Rank : _config.Rank;
        double alpha = Array.Find(_alphas, entry => entry.Pattern.Matches(module)) is { Pattern: not null } other ? other.Alpha : _config.Alpha;
        return new LoraSettings(rank, _config.ScalingOf(rank, alpha));
    }

    /// <exception cref="ArgumentException">A name that has matched no layer.</exception>
    public void RequireAllMatched()
    {
        if (_unmatched.Count > 0)
            throw new ArgumentException($"target module {string.Join(", ", _unmatched.Order())}: the model has no such linear layer");
        if (_unmatchedSaved.Count > 0) throw new ArgumentException($"modules_to_save {string.Join(", ", _unmatchedSaved.Order())}: the model has no such module");
    }

    /// <summary>Whether a module trains whole: its name, or that of a module it lies in, ends so.</summary>
    public bool IsSaved(string module)
    {
        for (int end = module.Length; end > 0; end = module.LastIndexOf('.', end - 1))
        {
            foreach (string name in _config.ModulesToSave.Where(name => module.AsSpan(0, end).EndsWith(name, StringComparison.Ordinal)))
            {
                _unmatchedSaved.Remove(name);
                return true;
            }
        }
        return false;
    }

    private bool IsExcluded(string module) => _exclude?.Matches(module) ?? _config.ExcludeModules.Any(name => EndsWith(module, name));

    private bool IsTarget(string module, TargetKind kind)
    {
        if (_target is not null)
        {
            if (!_target.Matches(module)) return false;
            _unmatched.Clear();
            return true;
        }
        string[] names = [.. _config.TargetModules.Where(name => Names(name, module, kind))];
        bool targeted = names.Length > 0 && (names.Contains(module) || IsInLayer(module));
        if (targeted) _unmatched.ExceptWith(names);
        return targeted;
    }

    private bool IsInLayer(string module)
    {
        if (_layers.Length == 0) return true;
        int? layer = _layers.Select(pattern => pattern.LayerOf(module)).FirstOrDefault(found => found is not null);
        return layer is { } number && _config.LayersToTransform.Contains(number);
    }

    private static bool Names(string name, string module, TargetKind kind) => name switch
    {
        LoraConfig.AllLinear => kind == TargetKind.Linear,
        LoraConfig.AllLinearAndHead => kind != TargetKind.Embedding,
        _ => EndsWith(module, name),
    };

    /// <summary>The name itself, or its last parts.</summary>
    public static bool EndsWith(string module, string name) => module == name || module.EndsWith("." + name, StringComparison.Ordinal);
}
