using FineTuneService.Engine.Formats;
using static TorchSharp.torch;

namespace FineTuneService.Engine.Lora;

/// <summary>An adapter's tensors as PEFT's files hold them: as they lie here, but for experts, whose pairs are stacked.</summary>
internal static class PeftTensors
{
    public static IEnumerable<(string Key, long[] Shape)> Shapes(LoraLayout layout)
    {
        HashSet<string> stacked = [.. layout.Stacked.SelectMany(stack => stack.OwnKeys)];
        return layout.Views.Where(entry => !stacked.Contains(entry.Key)).Select(entry => (entry.Key, entry.View.Shape)).Concat(layout.Stacked.SelectMany(stack => stack.Shapes));
    }

    /// <summary>Fills an adapter with a file's tensors, which are of its shapes.</summary>
    public static void Read(SafetensorsFile file, LoraTensors into)
    {
        HashSet<string> stacked = [.. into.Layout.Stacked.SelectMany(stack => stack.OwnKeys)];
        foreach ((string key, View view) in into.Layout.Views.Where(entry => !stacked.Contains(entry.Key)))
        {
            using Tensor stored = file.Read(key), place = view.In(into.Flat);
            place.copy_(stored);
        }
        foreach (StackedExperts stack in into.Layout.Stacked)
        {
            using var scope = NewDisposeScope();
            stack.Split(file.Read(PeftKeys.A(stack.Module)), file.Read(PeftKeys.B(stack.Module)), into.Flat);
        }
    }

    /// <summary>Every tensor of the adapter, converted to one of the base as it is; the caller's scope disposes them.</summary>
    public static IEnumerable<KeyValuePair<string, Tensor>> Of(Adapter adapter)
    {
        LoraLayout layout = adapter.Values.Layout;
        if (layout.Stacked.Count == 0) return ConvertedAdapter.TensorsOf(adapter);
        Dictionary<string, Tensor> own = ConvertedAdapter.TensorsOf(adapter).ToDictionary();
        HashSet<string> stacked = [.. layout.Stacked.SelectMany(stack => stack.OwnKeys)];
        return own.Where(entry => !stacked.Contains(entry.Key)).Concat(layout.Stacked.SelectMany(stack => stack.Join(own)));
    }
}
