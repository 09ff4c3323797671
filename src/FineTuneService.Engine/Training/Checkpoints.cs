using System.Globalization;
using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Training.Optimizers;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Training;

/// <summary>
/// A run's checkpoints, one folder each (step-000200). A folder is written under another name, flushed and renamed, so that one which
/// exists was complete, whenever the process is killed. What a disk did to it afterwards is seen when it is read: then an older one
/// serves. The newest two are kept.
/// </summary>
/// <param name="best">The parameters of the best evaluation, where they are kept.</param>
/// <param name="diskTakes">Whether the disk may take so many bytes more; null: whether they fit.</param>
internal sealed class Checkpoints(string folder, CheckpointRun run, TrainedParameters parameters, Optimizer optimizer, BestParameters? best = null,
    Func<long, bool>? diskTakes = null)
{
    private const string Prefix = "step-";
    private const string Unfinished = ".partial";
    private const int Kept = 2;

    private readonly List<string> _whole = [];

    /// <summary>Whether the state can be saved: one that holds an infinity, or what is no number, never is.</summary>
    public bool IsFinite()
    {
        using var scope = NewDisposeScope();
        return CheckpointFolder.IsFinite(parameters.Values) && optimizer.State.All(state => CheckpointFolder.IsFinite(state.Value));
    }

    /// <summary>Saves the run's state. Where that fails, nothing of it is left.</summary>
    /// <returns>The checkpoint's folder.</returns>
    /// <exception cref="IOException">The disk is full, or does not write.</exception>
    public string Save(RunProgress progress)
    {
        string path = Path.Combine(folder, Prefix + progress.Step.ToString("D6", CultureInfo.InvariantCulture)), partial = path + Unfinished;
        try
        {
            Durable.Remove(partial);
            Durable.CreateFolder(partial);
            RequireSpace();
            using (NewDisposeScope()) CheckpointFolder.Write(partial, new CheckpointState(run, progress), Tensors());
            Durable.Remove(path);
            Durable.MoveFolder(partial, path);
        }
        catch
        {
            TryRemove(partial);
            throw;
        }
        _whole.Remove(path);
        _whole.Add(path);
        foreach (string old in Stored().Except(_whole.TakeLast(Kept))) TryRemove(old);
        return path;
    }

    /// <summary>Puts parameters and optimizer back to the newest checkpoint that is whole and this run's.</summary>
    /// <param name="onUnusable">Told the step of each newer one, and what is wrong with it.</param>
    /// <returns>Where that run was, or null where there is none.</returns>
    public RunProgress? Restore(Action<int, string> onUnusable)
    {
        foreach (string left in Folders().Where(path => path.EndsWith(Unfinished, StringComparison.Ordinal))) TryRemove(left);
        foreach (string path in Stored().OrderByDescending(StepOf))
        {
            using var scope = NewDisposeScope();
            Dictionary<string, Tensor> tensors = Tensors();
            (CheckpointState? state, string? fault) = CheckpointFolder.Read(path, run, StepOf(path), tensors);
            if (state is null)
            {
                onUnusable(StepOf(path), fault!);
                continue;
            }
            parameters.Changed();
            optimizer.Steps = state.Progress.Step;
            _whole.Add(path);
            return state.Progress;
        }
        return null;
    }

    private IEnumerable<string> Folders() => Directory.Exists(folder) ? [.. Directory.EnumerateDirectories(folder, Prefix + "*")] : [];

    private IEnumerable<string> Stored() => Folders().Where(path => StepOf(path) >= 0);

    /// <summary>The step that a folder's name says, or -1 where it is no checkpoint's.</summary>
    private static int StepOf(string path) =>
        int.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int step) ? step : -1;

    /// <summary>Every parameter, and the optimizer's state of it, by name: a later layout of the buffer restores them rightly.</summary>
    private Dictionary<string, Tensor> Tensors()
    {
        var tensors = new Dictionary<string, Tensor>();
        foreach (NamedParameter parameter in parameters.Named) tensors.Add("parameters." + parameter.Name, parameter.In(parameters.Values));
        foreach ((string name, Tensor value) in parameters.Fixed) tensors.Add("fixed." + name, value);
        foreach ((string name, Tensor state) in optimizer.State.Concat(best?.State ?? [])) tensors.Add(name, state);
        return tensors;
    }

    private void RequireSpace()
    {
        long bytes = parameters.Values.numel() * parameters.Values.element_size() + optimizer.StateBytes + (best?.Bytes ?? 0);
        bool fits = diskTakes?.Invoke(bytes) ?? new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace > bytes;
        if (!fits) throw new IOException($"the disk does not have the {(bytes >> 20) + 1} MiB free that a checkpoint needs");
    }

    /// <summary>What cannot be removed now is removed after the next save.</summary>
    private static void TryRemove(string path)
    {
        try
        {
            Durable.Remove(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }
}
