using System.Text;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Models;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training;

/// <summary>What a disk, or a hand, does to checkpoints, and the run that goes on in spite of it.</summary>
public sealed class CheckpointTests : IDisposable
{
    private const string Tensors = "trainer_state.safetensors", State = "trainer_state.json", Sums = "SHA256SUMS";
    private const int Older = 4, Newest = 8;
    private readonly TemporaryFolder _folder = new();

    /// <summary>Each does something to the newest checkpoint's folder.</summary>
    private static readonly Dictionary<string, Action<string>> Damages = new()
    {
        ["tensors truncated"] = path => Truncate(Path.Combine(path, Tensors)),
        ["state truncated"] = path => Truncate(Path.Combine(path, State)),
        ["tensors' bit flipped"] = path => Flip(Path.Combine(path, Tensors)),
        ["state's bit flipped"] = path => Flip(Path.Combine(path, State)),
        ["sums' bit flipped"] = path => Flip(Path.Combine(path, Sums)),
        ["tensors missing"] = path => File.Delete(Path.Combine(path, Tensors)),
        ["state missing"] = path => File.Delete(Path.Combine(path, State)),
        ["sums missing"] = path => File.Delete(Path.Combine(path, Sums)),
        ["tensors empty"] = path => File.WriteAllBytes(Path.Combine(path, Tensors), []),
        ["folder empty"] = path => Array.ForEach(Directory.GetFiles(path), File.Delete),
        ["state is no JSON"] = path => Rewrite(path, State, _ => "not JSON"),
        ["state is null"] = path => Rewrite(path, State, _ => "null"),
        ["another step"] = path => Rewrite(path, State, text => text.Replace("\"Step\":8", "\"Step\":7")),
        ["another learning rate"] = path => Rewrite(path, State, text => text.Replace("\"LearningRate\":0.001", "\"LearningRate\":0.002")),
        ["other rows"] = path => Rewrite(path, State, text => text.Replace("\"Rows\":\"", "\"Rows\":\"0")),
        ["files of the older checkpoint"] = path => CopyOver(Path.Combine(Path.GetDirectoryName(path)!, Name(Older)), path),
        ["tensors of the older checkpoint"] = path => File.Copy(Path.Combine(Path.GetDirectoryName(path)!, Name(Older), Tensors), Path.Combine(path, Tensors), overwrite: true),
        ["a NaN"] = path => Change(path, values => values.select(0, 0).fill_(float.NaN)),
        ["an infinity"] = path => Change(path, values => values.select(0, 0).fill_(float.PositiveInfinity)),
        ["another shape"] = path => Change(path, values => values.t().contiguous()),
        ["another dtype"] = path => Change(path, values => values.to_type(ScalarType.BFloat16)),
        ["a tensor missing"] = path => Change(path, _ => null),
    };

    public static TheoryData<string> DamageNames => [.. Damages.Keys];

    [Theory, MemberData(nameof(DamageNames))]
    public void Run_NewestCheckpointDamaged_GoesOnFromTheOlderToTheSameBits(string damage)
    {
        Run(stopAfter: Newest);
        Damages[damage](Path.Combine(_folder.Path, Name(Newest)));
        var events = new List<TrainingEvent>();
        byte[] resumed = Run(int.MaxValue, events);
        Assert.Equal(Newest, Assert.Single(events.OfType<CheckpointUnusable>()).Step);
        Assert.Equal(Older, Assert.Single(events.OfType<RunStarted>()).Step);
        Assert.Equal(Undisturbed, resumed);
    }

    [Fact]
    public void Run_EveryCheckpointDamaged_BeginsAnewToTheSameBits()
    {
        Run(stopAfter: Newest);
        foreach (string path in Directory.GetDirectories(_folder.Path)) Flip(Path.Combine(path, Tensors));
        var events = new List<TrainingEvent>();
        byte[] resumed = Run(int.MaxValue, events);
        Assert.Equal([Newest, Older], events.OfType<CheckpointUnusable>().Select(unusable => unusable.Step));
        Assert.Equal(0, Assert.Single(events.OfType<RunStarted>()).Step);
        Assert.Equal(Undisturbed, resumed);
    }

    [Fact]
    public void Run_CheckpointsThatAreNotThisRuns_ArePassedOver()
    {
        Run(stopAfter: Newest);
        string newest = Path.Combine(_folder.Path, Name(Newest));
        CopyOver(newest, Path.Combine(_folder.Path, "step-999999"));
        Rewrite(Path.Combine(_folder.Path, "step-999999"), State, text => text.Replace("\"Step\":8", "\"Step\":999999"));
        CopyOver(newest, Path.Combine(_folder.Path, "step-000012.partial"));
        CopyOver(newest, Path.Combine(_folder.Path, "step-latest"));
        File.WriteAllText(Path.Combine(_folder.Path, "step-000016"), "a file");
        var events = new List<TrainingEvent>();
        byte[] resumed = Run(int.MaxValue, events);
        Assert.Equal(999999, Assert.Single(events.OfType<CheckpointUnusable>()).Step);
        Assert.Equal(Newest, Assert.Single(events.OfType<RunStarted>()).Step);
        Assert.Equal(Undisturbed, resumed);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "step-000012.partial")));
    }

    [Fact]
    public void Run_FlatCheckpointOfAnEarlierVersion_IsPassedOverWithASentence()
    {
        string path = Path.Combine(_folder.Path, Name(Newest));
        Directory.CreateDirectory(path);
        using (Tensor flat = zeros(64)) SafetensorsWriter.Write(Path.Combine(path, Tensors), new Dictionary<string, Tensor> { ["parameters"] = flat, ["exp_avg"] = flat, ["exp_avg_sq"] = flat });
        File.WriteAllText(Path.Combine(path, State), "{\"Progress\":{\"Step\":8},\"Config\":{}}");
        var events = new List<TrainingEvent>();
        Assert.Equal(Undisturbed, Run(int.MaxValue, events));
        Assert.Contains("a version that did not name its tensors", Assert.Single(events.OfType<CheckpointUnusable>()).Reason);
    }

    [Fact]
    public void Run_ManyCheckpoints_KeepsTheNewestTwo()
    {
        Run(int.MaxValue);
        Assert.Equal([Name(12), Name(15)], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Run_FolderThatCannotBeWritten_TrainsOnAndSavesOnceItCan()
    {
        string blocked = Path.Combine(_folder.Path, "blocked");
        File.WriteAllText(blocked, "a file where the folder should be, as a disk that does not take it");
        var events = new List<TrainingEvent>();
        byte[] trained = Run(int.MaxValue, events, blocked, happened =>
        {
            if (happened is not StepFinished { Step: 10 }) return;
            File.Delete(blocked);
            Thread.Sleep(1100);
        });
        Assert.Equal(Older, Assert.Single(events.OfType<CheckpointFailed>()).Step);
        Assert.Equal(10, events.OfType<CheckpointSaved>().First().Step);
        Assert.Equal(Undisturbed, trained);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Save_NamesEveryParameterAndItsState(bool lora)
    {
        Run(stopAfter: Older, lora: lora);
        using var stored = SafetensorsFile.Open(Path.Combine(_folder.Path, Name(Older), Tensors));
        string[] names = lora
            ? ["base_model.model.model.layers.1.self_attn.k_proj.lora_A.weight", "base_model.model.model.layers.0.mlp.down_proj.lora_B.weight"]
            : ["model.embed_tokens.weight", "model.layers.1.self_attn.v_proj.weight", "model.layers.0.mlp.up_proj.weight", "model.norm.weight"];
        foreach (string name in names) Assert.All(new[] { "parameters.", "exp_avg.", "exp_avg_sq." }, state => Assert.Contains(state + name, stored.Entries.Keys));
        long elements = stored.Entries.Values.Where(entry => entry.Name.StartsWith("parameters.", StringComparison.Ordinal)).Sum(entry => (entry.End - entry.Begin) / 4);
        Assert.Equal(lora ? Trainer.Estimate(Tiny.Config, BasePrecision.Fp32, Config(lora), 18, 100, 11).TrainableParameters : Tiny.Config.ParameterCount, elements);
    }

    public void Dispose() => _folder.Dispose();

    private static byte[] Undisturbed => field ??= UndisturbedRun();

    private static byte[] UndisturbedRun()
    {
        using var tests = new CheckpointTests();
        return tests.Run(int.MaxValue);
    }

    private static string Name(int step) => $"step-{step:D6}";

    private static TrainingConfig Config(bool lora) => new()
    {
        Lora = lora ? new LoraConfig { Rank = 4, Dropout = 0.1 } : null,
        LearningRate = 1e-3,
        MicroBatchSize = 2,
        GradientAccumulationSteps = 2,
        Epochs = 3,
        SaveEvery = 4,
    };

    private byte[] Run(int stopAfter, List<TrainingEvent>? events = null, string? folder = null, Action<TrainingEvent>? onEvent = null, bool lora = true)
    {
        int steps = 0;
        using BaseModel model = BaseModel.Random(Tiny.Config, BasePrecision.Fp32, seed: 3);
        using var trainer = new Trainer(model, Config(lora), Tiny.Rows(18), null, folder ?? _folder.Path);
        trainer.Run(happened =>
        {
            events?.Add(happened);
            onEvent?.Invoke(happened);
            steps += happened is StepFinished ? 1 : 0;
        }, () => steps >= stopAfter);
        using Adapter? adapter = trainer.Adapter;
        return adapter?.Values.Flat.bytes.ToArray() ?? [];
    }

    private static void Truncate(string path)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(file.Length / 2);
    }

    private static void Flip(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^9] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private static void CopyOver(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }

    /// <summary>Changes a file and writes its sum anew, so that not the sum alone shows it.</summary>
    private static void Rewrite(string path, string file, Func<string, string> change)
    {
        string before = File.ReadAllText(Path.Combine(path, file)), after = change(before);
        Assert.NotEqual(before, after);
        File.WriteAllText(Path.Combine(path, file), after, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        Sum(path);
    }

    /// <summary>Changes the first matrix of the parameters, or leaves it out, and writes the sum anew.</summary>
    private static void Change(string path, Func<Tensor, Tensor?> change)
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>();
        using (var stored = SafetensorsFile.Open(Path.Combine(path, Tensors)))
        {
            foreach (string name in stored.Entries.Keys) tensors.Add(name, stored.Read(name).clone());
        }
        string first = tensors.Keys.First(name => name.StartsWith("parameters.", StringComparison.Ordinal));
        if (change(tensors[first]) is { } changed) tensors[first] = changed.reshape(changed.shape);
        else tensors.Remove(first);
        SafetensorsWriter.Write(Path.Combine(path, Tensors), tensors);
        Sum(path);
    }

    private static void Sum(string path) => File.WriteAllText(Path.Combine(path, Sums), string.Concat(new[] { Tensors, State }.Select(name =>
        $"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(path, name))))}  {name}\n")));
}
