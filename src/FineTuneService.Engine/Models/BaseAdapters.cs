using FineTuneService.Engine.Lora;

namespace FineTuneService.Engine.Models;

/// <summary>Adapters of a base model that is loaded.</summary>
public static class BaseAdapters
{
    extension(Adapter)
    {
        /// <summary>A new adapter that changes nothing yet.</summary>
        /// <exception cref="ArgumentException">A target matches no layer, or the config cannot be trained.</exception>
        public static Adapter Create(BaseModel model, LoraConfig config, ulong seed, bool bf16 = false) =>
            NewAdapter.On(model.Config.Slots, model.Weights, config, seed, bf16);

        /// <summary>The adapter that PEFT or this Engine saved in a folder.</summary>
        /// <exception cref="AdapterException">The adapter does not fit the base, or asks for what is not supported.</exception>
        /// <exception cref="Formats.TensorFileException">The weights file cannot be used, or a tensor holds NaN or infinity.</exception>
        public static Adapter Load(string folder, BaseModel model) => PeftFolder.Load(folder, model.Config.Slots, model.Weights.Device);

        /// <summary>Checks such a folder as <see cref="Load"/> does, without the tensors being loaded.</summary>
        /// <inheritdoc cref="Load"/>
        public static void Check(string folder, ModelConfig model) => PeftFolder.Check(folder, model.Slots);
    }
}
