using System.Globalization;
using System.Text.Json.Nodes;
using FineTuneService.Engine.Training;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Tests.Training.Optimizers;

/// <summary>Every optimizer against torch, transformers and bitsandbytes (golden/optimizers).</summary>
public sealed class GoldenOptimizerTests
{
    private const double Tolerance = 2e-6;

    public static TheoryData<string> Trajectories() => Shared.Present ? [.. Entries("trajectories").Select(entry => (string)entry["name"]!)] : [""];

    public static TheoryData<int> Clips() => Shared.Present ? [.. Enumerable.Range(0, Entries("clip").Count())] : [-1];

    [Theory, MemberData(nameof(Trajectories))]
    public void Step_GoldenTrajectory_MatchesTheLibrary(string name)
    {
        using var scope = NewDisposeScope();
        using GoldenOptimizer golden = OpenOrSkip(name);
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "optimizers", name + ".safetensors"));
        double worst = 0;
        for (int step = 1; step <= golden.Steps; step++)
        {
            golden.Step(step);
            int kept = Array.IndexOf(golden.Kept, step);
            if (kept < 0) continue;
            foreach (NamedParameter parameter in golden.Named)
            {
                double difference = Difference(stored["after." + parameter.Name].select(0, kept), parameter.In(golden.Values));
                Assert.True(difference <= (golden.Dtype == ScalarType.BFloat16 ? 0 : Tolerance), $"{parameter.Name} after step {step} differs by {difference}");
                worst = Math.Max(worst, difference);
            }
        }
        int compared = CompareState(golden, stored);
        Fidelity.Passed("optimizers", name, string.Create(CultureInfo.InvariantCulture, $"largest difference {worst:0.0e+0}; {compared} state tensors equal"));
    }

    /// <summary>What a checkpoint would hold is all that the next step depends on.</summary>
    [Theory, MemberData(nameof(Trajectories))]
    public void State_CopiedIntoAnother_GoesOnToTheSameBits(string name)
    {
        using var scope = NewDisposeScope();
        using GoldenOptimizer through = OpenOrSkip(name), until = OpenOrSkip(name), after = OpenOrSkip(name);
        for (int step = 1; step <= through.Steps; step++) through.Step(step);
        int half = through.Steps / 2;
        for (int step = 1; step <= half; step++) until.Step(step);
        after.Values.copy_(until.Values);
        after.Optimizer.Steps = half;
        Dictionary<string, Tensor> saved = until.Optimizer.State.ToDictionary(state => state.Name, state => state.Value);
        foreach ((string state, Tensor value) in after.Optimizer.State) value.copy_(saved[state]);
        for (int step = half + 1; step <= through.Steps; step++) after.Step(step);
        Assert.True(through.Values.Equals(after.Values));
        Dictionary<string, Tensor> ended = after.Optimizer.State.ToDictionary(state => state.Name, state => state.Value);
        foreach ((string state, Tensor value) in through.Optimizer.State) Assert.True(value.Equals(ended[state]), state);
    }

    [Theory, MemberData(nameof(Clips))]
    public void Clip_GoldenGradients_MatchTorch(int index)
    {
        using var scope = NewDisposeScope();
        JsonObject entry = Entries("clip").ElementAt(index);
        Dictionary<string, Tensor> inputs = TensorFile.Read(Shared.Path("golden", "optimizers", "inputs.safetensors"));
        Dictionary<string, Tensor> stored = TensorFile.Read(Shared.Path("golden", "optimizers", "clip.safetensors"));
        string[] names = [.. inputs.Keys.Where(key => key.StartsWith("gradients.", StringComparison.Ordinal)).Select(key => key["gradients.".Length..])];
        Tensor[] gradients = [.. names.Select(name => inputs["gradients." + name].select(0, (int)entry["step_index"]!))];
        Tensor flat = cat([.. gradients.Select(gradient => gradient.reshape(-1))]);
        double norm = GradientClipping.Norm(flat);
        GradientClipping.Clip(flat, norm, (double)entry["max_norm"]!);
        Assert.Equal((double)entry["total_norm"]!, norm, norm * 1e-6);
        Tensor wanted = cat([.. names.Select(name => stored[$"clip{index}.{name}"].reshape(-1))]);
        Assert.True(Difference(wanted, flat) <= Tolerance);
        Fidelity.Passed("optimizers", $"clip {index}", "norm and clipped gradients equal");
    }

    private static JsonArray Manifest(string list) =>
        JsonNode.Parse(File.ReadAllText(Shared.Path("golden", "optimizers", "manifest.json")))![list]!.AsArray();

    private static IEnumerable<JsonObject> Entries(string list) => Manifest(list).Select(entry => entry!.AsObject());

    private static GoldenOptimizer OpenOrSkip(string name)
    {
        try
        {
            return new GoldenOptimizer(Entries("trajectories").First(entry => (string)entry["name"]! == name));
        }
        catch (NotSupportedException refused)
        {
            Fidelity.Skipped("optimizers", name, refused.Message);
            throw;
        }
    }

    /// <summary>The state after the last step, where the library's was stored; 8-bit codes by what they stand for.</summary>
    /// <returns>Tensors compared.</returns>
    private static int CompareState(GoldenOptimizer golden, Dictionary<string, Tensor> stored)
    {
        int compared = 0;
        foreach ((string name, Tensor value) in golden.Optimizer.State)
        {
            (string field, string parameter) = (name[..name.IndexOf('.')], name[(name.IndexOf('.') + 1)..]);
            // bitsandbytes numbers what torch names.
            string[] same = field switch { "exp_avg" => ["exp_avg", "state1"], "exp_avg_sq" => ["exp_avg_sq", "state2"], _ => [field] };
            if (same.Select(other => stored.GetValueOrDefault($"state.{parameter}.{other}")).FirstOrDefault(tensor => tensor is not null) is not { } wanted) continue;
            compared++;
            if (value.dtype == ScalarType.Byte)
            {
                Tensor moved = (wanted.to_type(ScalarType.Int32) - value.to_type(ScalarType.Int32)).abs();
                Assert.True(moved.max().item<int>() <= 1 && moved.sum().item<long>() <= 5, $"{moved.sum().item<long>()} codes of {name} are others");
                continue;
            }
            double scale = wanted.abs().max().to_type(ScalarType.Float32).item<float>(), difference = Difference(wanted, value);
            Assert.True(difference <= (golden.Dtype == ScalarType.BFloat16 ? 0 : Tolerance * Math.Max(1, scale)), $"{name} differs by {difference}");
        }
        return compared;
    }

    private static double Difference(Tensor wanted, Tensor made) =>
        (made.to_type(ScalarType.Float32) - wanted.to_type(ScalarType.Float32)).abs().max().item<float>();
}
