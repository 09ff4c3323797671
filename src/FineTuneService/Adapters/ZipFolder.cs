using System.IO.Compression;
using FineTuneService.Engine.Lora;

namespace FineTuneService.Adapters;

/// <summary>
/// Which folder of a zip is the adapter. A run's folder holds checkpoints beside the result, each with files of the same names, so
/// the one nearest the top is meant; config and weights never come from two.
/// </summary>
internal static class ZipFolder
{
    /// <summary>Without which there is no adapter.</summary>
    public static readonly string[] Needed = [PeftFolder.ConfigFile, PeftFolder.WeightsFile];

    /// <summary>What PEFT wrote before safetensors; it is made into that.</summary>
    public const string Pickled = "adapter_model.bin";

    /// <summary>The entries of that folder that have one of these names.</summary>
    /// <exception cref="InvalidDataException">No folder has both of PEFT's files, or it cannot be told which is meant.</exception>
    public static Dictionary<string, ZipArchiveEntry> NearestTop(IEnumerable<ZipArchiveEntry> entries, IReadOnlyCollection<string> names)
    {
        List<Found> found = [.. entries.Select(Found.Of).Where(file => names.Contains(file.Name))];
        // A folder that has either of the two counts: half an adapter at the top is a mistake, not a reason to look further down.
        List<string> nearest = [.. found.Where(file => Needed.Contains(file.Name) || file.Name == Pickled).Select(file => file.Folder).Distinct().GroupBy(Depth).MinBy(depth => depth.Key) ?? Enumerable.Empty<string>()];
        if (nearest.Count == 0) throw new InvalidDataException($"the zip has no {PeftFolder.ConfigFile}");
        if (nearest.Count > 1) throw new InvalidDataException($"the zip has adapters in {Said(nearest[0])} and in {Said(nearest[1])}; send a zip of one of them");
        var chosen = new Dictionary<string, ZipArchiveEntry>();
        foreach (Found file in found.Where(file => file.Folder == nearest[0]))
        {
            if (!chosen.TryAdd(file.Name, file.Entry)) throw new InvalidDataException($"{file.Name} is in {Said(file.Folder)} of the zip twice");
        }
        if (chosen.ContainsKey(PeftFolder.WeightsFile)) chosen.Remove(Pickled);
        string? missing = Needed.FirstOrDefault(name => !chosen.ContainsKey(name) && !(name == PeftFolder.WeightsFile && chosen.ContainsKey(Pickled)));
        if (missing is null) return chosen;
        throw new InvalidDataException(found.Find(file => file.Name == missing) is { } elsewhere
            ? $"{Said(nearest[0])} of the zip has no {missing}, and {Said(elsewhere.Folder)} has one; send a zip of the one folder that is meant" : $"the zip has no {missing}");
    }

    private static int Depth(string folder) => folder.Length == 0 ? 0 : folder.Count(c => c == '/') + 1;

    private static string Said(string folder) => folder.Length == 0 ? "the top folder" : $"'{(folder.Length > 100 ? folder[..100] + "…" : folder)}'";

    private sealed record Found(string Folder, string Name, ZipArchiveEntry Entry)
    {
        public static Found Of(ZipArchiveEntry entry)
        {
            // Some programs that make zips write a path's other slash.
            string[] parts = [.. entry.FullName.Replace('\\', '/').Split('/').SkipWhile(part => part is "" or ".")];
            return new Found(string.Join('/', parts.SkipLast(1)), parts.LastOrDefault(""), entry);
        }
    }
}
