using FineTuneService.Engine.Compute;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Models.Gguf;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Tests.Models;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Families;

/// <summary>The models of golden/models, each a family or a trait of one, and the rows that their references read.</summary>
internal static class GoldenModel
{
    /// <summary>Names of the folders.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Found().Order(StringComparer.Ordinal)];

    public static string Folder(string name) => Shared.Path("golden", "models", name);

    /// <summary>As stored: as the blocks of a Q8_0 file of it, where GGUF has the family.</summary>
    public static BaseModel Load(string name, BasePrecision precision)
    {
        if (precision.Quantization != QuantizationType.AsStored) return BaseModel.Load(Folder(name), precision);
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "model.gguf");
        try
        {
            GgufExport.Write(Folder(name), path, GgufFileType.Q8_0, name);
        }
        catch (ModelException refused)
        {
            Assert.Skip(refused.Message);
        }
        return BaseModel.Load(path, precision);
    }

    public static int[][] Rows(string name)
    {
        using var scope = NewDisposeScope();
        using var expected = SafetensorsFile.Open(Path.Combine(Folder(name), "expected.safetensors"));
        return ReferenceRun.Rows(expected.Read("input_ids"), expected.Read("attention_mask"));
    }

    /// <summary>An adapter on every linear layer and the head that changes what the model says: no matrix of it is zero.</summary>
    public static Adapter Adapter(BaseModel model, ulong seed = 6)
    {
        var adapter = Engine.Lora.Adapter.Create(model, new LoraConfig { Rank = 3, Alpha = 6, TargetModules = [LoraConfig.AllLinearAndHead] }, seed);
        foreach (JoinedLoraPart part in adapter.Values.Parts)
        {
            using Tensor drawn = tensor(new CounterRandom(seed++, 99).Uniform(part.B.numel(), -0.1f, 0.1f));
            part.B.copy_(drawn.view(part.B.shape));
        }
        adapter.Changed();
        return adapter;
    }

    /// <summary>One named "" where the reference folder is absent: its tests are skipped.</summary>
    private static IEnumerable<string> Found()
    {
        string folder = Path.Combine(Shared.Folder, "golden", "models");
        return Directory.Exists(folder)
            ? Directory.EnumerateDirectories(folder).Where(model => File.Exists(Path.Combine(model, "config.json"))).Select(model => Path.GetFileName(model)!) : [""];
    }
}
