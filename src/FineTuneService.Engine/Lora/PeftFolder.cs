using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>An adapter on disk, in PEFT's format: adapter_config.json and adapter_model.safetensors.</summary>
public static class PeftFolder
{
    public const string ConfigFile = "adapter_config.json";
    public const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";

    /// <exception cref="AdapterException">The adapter does not fit the base, or asks for what is not supported.</exception>
    /// <exception cref="SafetensorsException">The weights file cannot be used.</exception>
    public static Adapter Load(string folder, BaseModel model)
    {
        foreach (string name in new[] { ConfigFile, WeightsFile })
        {
            if (!File.Exists(Path.Combine(folder, name))) throw new AdapterException($"{name} is missing: an adapter is a folder in PEFT's format.");
        }
        LoraConfig config = PeftConfig.Parse(File.ReadAllText(Path.Combine(folder, ConfigFile)));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        Adapter adapter = Empty(model, config);
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
    }

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

    private static Adapter Empty(BaseModel model, LoraConfig config)
    {
        try
        {
            return Adapter.Empty(model, config);
        }
        catch (ArgumentException misfit)
        {
            throw new AdapterException($"adapter_config.json does not fit the base model: {misfit.Message}.");
        }
    }

    private static void Fill(Adapter adapter, SafetensorsFile file)
    {
        var expected = new HashSet<string>();
        foreach (JoinedLoraPart part in adapter.Values.Parts)
        {
            Copy(Key(part.Module, "A"), part.A);
            Copy(Key(part.Module, "B"), part.B);
        }
        // PEFT stores the untouched head beside an adapter on it.
        string? extra = file.Entries.Keys.FirstOrDefault(name => !expected.Contains(name) && !name.EndsWith(".base_layer.weight", StringComparison.Ordinal));
        if (extra is not null) throw new AdapterException($"{WeightsFile}: tensor {extra} belongs to no target module of this base.");
        adapter.Changed();

        void Copy(string key, Tensor into)
        {
            if (!file.Entries.TryGetValue(key, out SafetensorsEntry? entry)) throw new AdapterException($"{WeightsFile}: tensor {key} is missing.");
            if (!entry.Shape.AsSpan().SequenceEqual(into.shape))
                throw new AdapterException($"{WeightsFile}: tensor {key} has shape [{string.Join(", ", entry.Shape)}]; this base and rank ask for [{string.Join(", ", into.shape)}].");
            using Tensor stored = file.Read(key);
            into.copy_(stored);
            expected.Add(key);
        }
    }
}
