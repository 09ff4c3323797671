using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Weights;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>An adapter on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors.</summary>
public static class PeftFolder
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";

    /// <exception cref="AdapterException">The adapter does not fit the base, or asks for what is not supported.</exception>
    /// <exception cref="TensorFileException">The weights file cannot be used, or a tensor holds NaN or infinity.</exception>
    public static Adapter Load(string folder, BaseModel model) => WhileItIsThere(() =>
    {
        LoraConfig config = PeftConfig.Parse(Text(folder));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        // Before anything is allocated: what the config claims is what the file holds.
        Check(Layout(model.Config, config), file);
        Adapter adapter = Adapter.Empty(model, config);
        try
        {
            Fill(adapter, file);
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
    public static void Check(string folder, ModelConfig model) => WhileItIsThere(() =>
    {
        LoraConfig config = PeftConfig.Parse(Text(folder));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        Check(Layout(model, config), file);
        return true;
    });

    /// <param name="baseModel">The base's name, for base_model_name_or_path.</param>
    public static void Save(Adapter adapter, string folder, string baseModel)
    {
        Directory.CreateDirectory(folder);
        IEnumerable<string> targets = adapter.Config.TargetModules is [LoraConfig.AllLinear or LoraConfig.AllLinearAndHead]
            ? adapter.Values.Parts.Select(part => part.Module[(part.Module.LastIndexOf('.') + 1)..]).Distinct()
            : adapter.Config.TargetModules.Distinct();
        File.WriteAllText(Path.Combine(folder, ConfigFile), PeftConfig.ToJson(adapter.Config, targets, baseModel));
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), adapter.Values.Parts.SelectMany(part => new[]
        {
            KeyValuePair.Create(Key(part.Module, "A"), part.A),
            KeyValuePair.Create(Key(part.Module, "B"), part.B),
        }));
    }

    /// <summary>PEFT's name of a module's A or B.</summary>
    internal static string Key(string module, string matrix) => $"{Prefix}{module}.lora_{matrix}.weight";

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
    private static LoraLayout Layout(ModelConfig model, LoraConfig config)
    {
        LoraLayout layout = LoraLayout.OfMatching(model.Slots.Linears, config);
        if (layout.Entries.Count == 0)
            throw new AdapterException($"{ConfigFile} does not fit the base model: target_modules ({string.Join(", ", config.TargetModules)}) name no linear layer of it.");
        return layout;
    }

    private static void Check(LoraLayout layout, SafetensorsFile file)
    {
        var expected = new Dictionary<string, long[]>();
        foreach (LoraLayoutEntry entry in layout.Entries)
        {
            foreach (LinearPart part in entry.Parts)
            {
                expected[Key(part.Module, "A")] = [entry.Rank, entry.In];
                expected[Key(part.Module, "B")] = [part.Out, entry.Rank];
            }
        }
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

    private static void Fill(Adapter adapter, SafetensorsFile file)
    {
        foreach (JoinedLoraPart part in adapter.Values.Parts)
        {
            Copy(Key(part.Module, "A"), part.A);
            Copy(Key(part.Module, "B"), part.B);
        }
        adapter.Changed();

        void Copy(string key, Tensor into)
        {
            using Tensor stored = file.Read(key);
            into.copy_(stored);
        }
    }
}
