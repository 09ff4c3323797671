using System.Security.Cryptography;
using System.Text.Json;
using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>One checkpoint on disk: its tensors, where the run was, and the SHA-256 of both files (as sha256sum -c reads them).</summary>
internal static class CheckpointFolder
{
    private const string TensorsFile = "trainer_state.safetensors";
    private const string StateFile = "trainer_state.json";
    private const string SumsFile = "SHA256SUMS";

    public static void Write(string folder, CheckpointState state, IReadOnlyDictionary<string, Tensor> tensors)
    {
        SafetensorsWriter.Write(Path.Combine(folder, TensorsFile), tensors);
        Durable.Write(Path.Combine(folder, StateFile), file => JsonSerializer.Serialize(file, state));
        string sums = Sums(folder);
        Durable.Write(Path.Combine(folder, SumsFile), file => file.Write(System.Text.Encoding.ASCII.GetBytes(sums)));
    }

    /// <summary>Reads a checkpoint into the tensors, which stay as they are unless all of it is right.</summary>
    /// <param name="step">What its name says.</param>
    /// <returns>Its state, or what is wrong with it.</returns>
    public static (CheckpointState? State, string? Fault) Read(string folder, CheckpointRun run, int step, IReadOnlyDictionary<string, Tensor> into)
    {
        try
        {
            if (!File.Exists(Path.Combine(folder, SumsFile)))
                return (null, $"{SumsFile} is missing, so it is damaged or was written by a version that did not name its tensors");
            if (File.ReadAllText(Path.Combine(folder, SumsFile)) != Sums(folder)) return (null, $"its files are not those that {SumsFile} names");
            var state = JsonSerializer.Deserialize<CheckpointState>(File.ReadAllText(Path.Combine(folder, StateFile)));
            if (state?.Run is null || state.Progress is null) return (null, $"{StateFile} does not say which run it is of");
            if (!state.Run.Is(run)) return (null, "it is of a run with another configuration or other rows");
            if (state.Progress.Step != step || step > run.TotalSteps) return (null, $"it is of step {state.Progress.Step}, which is not this run's step {step}");
            using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, TensorsFile));
            if (Misfit(file, into) is { } misfit) return (null, misfit);
            foreach ((string name, Tensor tensor) in into)
            {
                using Tensor stored = file.Read(name);
                tensor.copy_(stored);
            }
            return (state, null);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException or SafetensorsException)
        {
            return (null, $"it cannot be read: {failure.Message}");
        }
    }

    /// <summary>Whether every element is a finite number.</summary>
    public static bool IsFinite(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return isfinite(tensor).all().item<bool>();
    }

    private static string? Misfit(SafetensorsFile file, IReadOnlyDictionary<string, Tensor> into)
    {
        foreach ((string name, Tensor tensor) in into)
        {
            if (!file.Entries.TryGetValue(name, out FileTensor? entry)) return $"its tensor {name} is missing";
            if (entry.Dtype != tensor.dtype || !entry.Shape.AsSpan().SequenceEqual(tensor.shape)) return $"its tensor {name} has another shape or dtype";
            using Tensor stored = file.Read(name);
            if (!IsFinite(stored)) return $"its tensor {name} holds what is not a finite number";
        }
        return null;
    }

    private static string Sums(string folder) => string.Concat(new[] { TensorsFile, StateFile }.Select(name =>
    {
        using FileStream file = File.OpenRead(Path.Combine(folder, name));
        return $"{Convert.ToHexStringLower(SHA256.HashData(file))}  {name}\n";
    }));
}
