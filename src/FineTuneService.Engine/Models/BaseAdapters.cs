using FineTuneService.Engine.Formats;
using FineTuneService.Engine.Lora;
using FineTuneService.Engine.Quantization;
using FineTuneService.Engine.Weights;

namespace FineTuneService.Engine.Models;

/// <summary>Adapters of a base model that is loaded.</summary>
public static class BaseAdapters
{
    extension(Adapter)
    {
        /// <summary>A new adapter that changes nothing yet.</summary>
        /// <param name="betweenModules">Called between modules: others may work meanwhile.</param>
        /// <exception cref="ArgumentException">A target matches no layer, or the config cannot be trained.</exception>
        public static Adapter Create(BaseModel model, LoraConfig config, ulong seed, bool bf16 = false, Action? betweenModules = null)
        {
            bool quantized = model.Precision.Quantization is not (QuantizationType.None or QuantizationType.AsStored);
            using ModelFiles? files = quantized && model.Folder is not null ? ModelFiles.Open(model.Folder) : null;
            ModelSlots slots = model.Config.Slots;
            return NewAdapter.On(slots, model.Weights, config, seed, bf16, files is null ? null : Checkpoint.Named(model.Config, slots, files), betweenModules);
        }

        /// <summary>The adapter that PEFT or this Engine saved in a folder.</summary>
        /// <exception cref="AdapterException">The adapter does not fit the base, or asks for what is not supported.</exception>
        /// <exception cref="Formats.TensorFileException">The weights file cannot be used, or a tensor holds NaN or infinity.</exception>
        /// <param name="betweenModules">Called where much is to be worked out: others may work meanwhile.</param>
        public static Adapter Load(string folder, BaseModel model, Action? betweenModules = null) =>
            PeftFolder.Load(folder, model.Config.Slots, model.Weights.Device, model.Weights, betweenModules);

        /// <summary>Checks such a folder as <see cref="Load"/> does, without the tensors being loaded.</summary>
        /// <inheritdoc cref="Load"/>
        public static void Check(string folder, ModelConfig model) => PeftFolder.Check(folder, model.Slots);

        /// <summary>Adapters of one base as one: PEFT's add_weighted_adapter. Nothing of the base is read but its config.</summary>
        /// <param name="rank">Of svd's result; null: the largest of the adapters' ranks.</param>
        /// <param name="betweenModules">Called between modules: others may work meanwhile.</param>
        /// <exception cref="AdapterException">One cannot be combined so, or not with these; the message names it.</exception>
        public static Adapter Combine(ModelConfig model, IReadOnlyList<WeightedAdapter> adapters, CombinationType type, int? rank = null, Action? betweenModules = null) =>
            CombinedAdapter.Of(model.Slots, adapters, type, rank, betweenModules);

        /// <summary>Bytes of such an adapter's tensors, without any being read.</summary>
        /// <inheritdoc cref="Combine"/>
        public static long CombinedBytes(ModelConfig model, IReadOnlyList<WeightedAdapter> adapters, CombinationType type, int? rank = null) =>
            CombinedAdapter.Bytes(model.Slots, adapters, type, rank);
    }
}
