using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora.Initialisations;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>An adapter on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors.</summary>
public static class PeftFolder
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";

    /// <param name="model">The base's tensors.</param>
    /// <exception cref="AdapterException">The adapter does not fit the base, or asks for what is not supported.</exception>
    /// <exception cref="TensorFileException">The weights file cannot be used, or a tensor holds NaN or infinity.</exception>
    /// <param name="weights">The base's, of which is made again what an adapter took off them that PEFT has not converted (PiSSA, OLoRA).</param>
    /// <param name="betweenModules">Called where much is to be worked out: others may work meanwhile.</param>
    internal static Adapter Load(string folder, ModelSlots model, Device device, DecoderWeights? weights = null, Action? betweenModules = null) => WhileItIsThere(() =>
    {
        LoraConfig config = PeftConfig.Parse(Text(folder));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        // Before anything is allocated: what the config claims is what the file holds.
        Check(Layout(model, config), file);
        Adapter adapter = Adapter.Empty(model, config, device);
        try
        {
            PeftTensors.Read(file, adapter.Values);
            if (Initialisation.Of(config.Initialisation).ChangesBase) Remove(adapter, weights, betweenModules);
            adapter.Changed();
            return adapter;
        }
        catch
        {
            adapter.Dispose();
            throw;
        }
    });

    /// <summary>Checks an adapter as <see cref="Load"/> does, without its tensors being loaded.</summary>
    /// <inheritdoc cref="Load"/>
    internal static void Check(string folder, ModelSlots model) => Shape(folder, model);

    /// <summary>What an adapter that has passed <see cref="Check(string, ModelSlots)"/> holds.</summary>
    /// <inheritdoc cref="Load"/>
    internal static (LoraConfig Config, LoraLayout Layout) Shape(string folder, ModelSlots model) => WhileItIsThere(() =>
    {
        LoraConfig config = PeftConfig.Parse(Text(folder));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        LoraLayout layout = Layout(model, config);
        Check(layout, file);
        return (config, layout);
    });

    /// <summary>Writes an adapter of the base as it is: one that took something off the base's weights is converted, to twice its rank.</summary>
    /// <param name="baseModel">The base's name, for base_model_name_or_path.</param>
    public static void Save(Adapter adapter, string folder, string baseModel)
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(folder);
        LoraLayout layout = adapter.Values.Layout;
        File.WriteAllText(Path.Combine(folder, ConfigFile), PeftConfigWriter.Write(ConvertedAdapter.ConfigOf(adapter), layout, baseModel));
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), PeftTensors.Of(adapter));
    }

    private static void Remove(Adapter adapter, DecoderWeights? weights, Action? betweenModules)
    {
        try
        {
            NewAdapter.Remove(adapter, weights ?? throw new ArgumentException($"init_lora_weights {adapter.Config.Initialisation} asks for the base's weights"), betweenModules);
        }
        catch (ArgumentException problem)
        {
            throw new AdapterException($"{ConfigFile}: {problem.Message}, or save the adapter with PEFT's path_initial_model_for_weight_conversion.");
        }
    }

    /// <summary>A file that goes while it is read is missing, as one that never was there.</summary>
    private static T WhileItIsThere<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AdapterException("the adapter's files were removed while they were read.");
        }
    }

    private static string Text(string folder)
    {
        foreach (string name in new[] { ConfigFile, WeightsFile })
        {
            if (FolderFile.Problem(folder, name) is { } problem) throw new AdapterException(problem + ".");
            if (!FolderFile.Exists(folder, name)) throw new AdapterException($"{name} is missing: an adapter is a folder in PEFT's format.");
        }
        return File.ReadAllText(Path.Combine(folder, ConfigFile));
    }

    /// <summary>Names that this base has no layer of are left out: a config may name those of several families.</summary>
    private static LoraLayout Layout(ModelSlots model, LoraConfig config)
    {
        try
        {
            LoraLayout layout = LoraLayout.OfMatching(model, config);
            if (layout.Length > 0) return layout;
        }
        catch (ArgumentException problem)
        {
            throw new AdapterException($"{ConfigFile}: {problem.Message}.");
        }
        throw new AdapterException(
            $"{ConfigFile} does not fit the base model: target_modules ({config.TargetPattern ?? string.Join(", ", config.TargetModules)}) name no linear layer of it.");
    }

    private static void Check(LoraLayout layout, SafetensorsFile file)
    {
        Dictionary<string, long[]> expected = PeftTensors.Shapes(layout).ToDictionary(entry => entry.Key, entry => entry.Shape);
        foreach ((string key, long[] shape) in expected) Check(key, shape, file);
        // PEFT stores the untouched head beside an adapter on it.
        string? extra = file.Entries.Keys.FirstOrDefault(name => !expected.ContainsKey(name) && !name.EndsWith(".base_layer.weight", StringComparison.Ordinal));
        if (extra is not null) throw new AdapterException($"{WeightsFile}: tensor {extra} belongs to no target module of this base.");
        foreach (string key in expected.Keys) file.RefuseNonFinite(key);
    }

    private static void Check(string key, long[] shape, SafetensorsFile file)
    {
        if (!file.Entries.TryGetValue(key, out FileTensor? entry)) throw new AdapterException($"{WeightsFile}: tensor {key} is missing.");
        if (!entry.Shape.AsSpan().SequenceEqual(shape))
            throw new AdapterException($"{WeightsFile}: tensor {key} has shape [{string.Join(", ", entry.Shape)}]; this base and rank ask for [{string.Join(", ", shape)}].");
        if (!entry.IsFloat) throw new AdapterException($"{WeightsFile}: tensor {key} is {entry.DtypeName}; an adapter's tensors must be F32, BF16, F16 or F64.");
    }
}
