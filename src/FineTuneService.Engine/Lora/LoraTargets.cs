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
    private readonly HashSet<string> _unmatched, _unmatchedSaved, _unmatchedParameters;

    /// <summary>Targets of which a module is excluded, or lies in another layer.</summary>
    private readonly HashSet<string> _excluded = [], _elsewhere = [];

    /// <exception cref="LoraOptionException">A pattern is no regular expression.</exception>
    public LoraTargets(LoraConfig config)
    {
        _config = config;
        _target = config.TargetPattern is null ? null : PythonPattern.Whole("target_modules", config.TargetPattern);
        _exclude = config.ExcludePattern is null ? null : PythonPattern.Whole("exclude_modules", config.ExcludePattern);
        _layers = config.LayersToTransform.Count == 0 ? [] : [.. (config.LayersPattern.Count == 0 ? [AnyList] : config.LayersPattern).Select(name => PythonPattern.Layer("layers_pattern", name))];
        _ranks = [.. config.RankPattern.Select(entry => (PythonPattern.Suffix("rank_pattern", entry.Key), entry.Value))];
        _alphas = [.. config.AlphaPattern.Select(entry => (PythonPattern.Suffix("alpha_pattern", entry.Key), entry.Value))];
        _unmatched = _target is null ? [.. config.TargetModules] : [config.TargetPattern!];
        _unmatchedSaved = [.. config.ModulesToSave];
        _unmatchedParameters = [.. config.TargetParameters];
    }

    /// <summary>What a module gets, or null where it is not targeted.</summary>
    /// <exception cref="LoraOptionException">A pattern takes too long.</exception>
    public LoraSettings? For(string module, TargetKind kind = TargetKind.Linear) =>
        IsSaved(module) || !IsTarget(module, kind) ? null : SettingsOf(module);

    /// <summary>What a parameter of a module gets that is no linear layer: target_parameters.</summary>
    public LoraSettings? ForParameter(string parameter)
    {
        string[] names = [.. _config.TargetParameters.Where(name => EndsWith(parameter, name))];
        _unmatchedParameters.ExceptWith(names);
        return names.Length > 0 ? SettingsOf(parameter) : null;
    }

    /// <summary>The rank and scaling that a module would have.</summary>
    public LoraSettings SettingsOf(string module)
    {
        int rank = Array.Find(_ranks, entry => entry.Pattern.Matches(module)) is { Pattern: not null } ranked ? ranked.Rank : _config.Rank;
        double alpha = Array.Find(_alphas, entry => entry.Pattern.Matches(module)) is { Pattern: not null } other ? other.Alpha : _config.Alpha;
        return new LoraSettings(rank, _config.ScalingOf(rank, alpha));
    }

    /// <exception cref="LoraOptionException">A name that has matched no layer.</exception>
    public void RequireAllMatched()
    {
        string missing = string.Join(", ", _unmatched.Order());
        if (_unmatched.Count > 0 && _excluded.Overlaps(_unmatched)) throw new LoraOptionException("exclude_modules", $"exclude_modules leaves nothing of target module {missing}");
        if (_unmatched.Count > 0 && _elsewhere.Overlaps(_unmatched))
            throw new LoraOptionException("layers_to_transform", $"target module {missing} is in none of the layers that layers_to_transform names ({string.Join(", ", _config.LayersToTransform.Take(8))})");
        if (_unmatched.Count > 0) throw new LoraOptionException("target_modules", $"target module {missing}: the model has no such linear layer");
        if (_unmatchedParameters.Count > 0)
        {
            throw new LoraOptionException("target_parameters", $"target_parameters {string.Join(", ", _unmatchedParameters.Order())}: the model has no such parameter; "
                + "of a mixture of experts mlp.experts.gate_up_proj and mlp.experts.down_proj can be adapted");
        }
        if (_unmatchedSaved.Count > 0)
            throw new LoraOptionException("modules_to_save", $"modules_to_save {string.Join(", ", _unmatchedSaved.Order())}: the model has no such module");
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
        string[] names = _target is null ? [.. _config.TargetModules.Where(name => Names(name, module, kind))] : _target.Matches(module) ? [_config.TargetPattern!] : [];
        if (names.Length == 0) return false;
        HashSet<string>? leftOut = IsExcluded(module) ? _excluded : _target is not null || names.Contains(module) || IsInLayer(module) ? null : _elsewhere;
        if (leftOut is null) _unmatched.ExceptWith(names);
        else leftOut.UnionWith(names);
        return leftOut is null;
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
