namespace TorchSharp;

public static partial class torch
{
    /// <summary>What a division does with the fraction.</summary>
    public enum RoundingMode
    {
        /// <summary>Keeps it.</summary>
        None,

        /// <summary>Towards zero.</summary>
        trunc,

        /// <summary>Towards minus infinity.</summary>
        floor,
    }
}
