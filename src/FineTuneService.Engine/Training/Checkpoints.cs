using System.Globalization;
using System.Text.Json;
using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>
/// A run's checkpoints, one folder each (step-000200): parameters and optimizer state bit by bit, and where the run was. A folder is
/// written under another name, flushed and renamed, so that one which exists is complete, whenever the process is killed.
/// </summary>
internal sealed class Checkpoints(string folder, TrainingConfig config, TrainedParameters parameters, AdamW optimizer)
{
    private const string TensorsFile = "trainer_state.safetensors";
    private const string StateFile = "trainer_state.json";
    private const string Prefix = "step-";
    private const string Unfinished = ".partial";

    /// <summary>Saves the run's state.</summary>
    /// <returns>The checkpoint's folder.</returns>
    public string Save(RunProgress progress)
    {
        string path = Path.Combine(folder, Prefix + progress.Step.ToString("D6", CultureInfo.InvariantCulture)), partial = path + Unfinished;
        if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
        Durable.CreateFolder(partial);
        SafetensorsWriter.Write(Path.Combine(partial, TensorsFile), Tensors());
        Durable.Write(Path.Combine(partial, StateFile), file => JsonSerializer.Serialize(file, new State(progress, config)));
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        Durable.MoveFolder(partial, path);
        return path;
    }

    /// <summary>Puts parameters and optimizer back to the newest checkpoint's state.</summary>
    /// <returns>Where that run was, or null where there is no checkpoint.</returns>
    /// <exception cref="InvalidOperationException">The checkpoint is another configuration's.</exception>
    public RunProgress? Restore()
    {
        if (Newest() is not { } path) return null;
        State state = JsonSerializer.Deserialize<State>(File.ReadAllText(Path.Combine(path, StateFile)))!;
        if (JsonSerializer.Serialize(state.Config) != JsonSerializer.Serialize(config))
            throw new InvalidOperationException($"the checkpoint {Path.GetFileName(path)} is of a run with another configuration");
        using var scope = NewDisposeScope();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(path, TensorsFile));
        foreach ((string name, Tensor tensor) in Tensors()) tensor.copy_(file.Read(name));
        parameters.Changed();
        optimizer.Steps = state.Progress.Step;
        return state.Progress;
    }

    private string? Newest() => !Directory.Exists(folder) ? null : Directory.EnumerateDirectories(folder, Prefix + "*")
        .Where(path => !path.EndsWith(Unfinished, StringComparison.Ordinal)).Order(StringComparer.Ordinal).LastOrDefault();

    private Dictionary<string, Tensor> Tensors() => new()
    {
        ["parameters"] = parameters.Values,
        ["exp_avg"] = optimizer.Mean,
        ["exp_avg_sq"] = optimizer.MeanSquare,
    };

    private sealed record State(RunProgress Progress, TrainingConfig Config);
}
