using FineTuneService.Engine.Kernels.Lanes;

namespace FineTuneService.Engine.Kernels.Gates;

/// <summary>An activation function of one number, as kernels inline it.</summary>
internal interface IGate
{
    /// <param name="x">Any number.</param>
    /// <param name="slope">The derivative at x.</param>
    static abstract TLanes Value<TLanes>(TLanes x, out TLanes slope)
        where TLanes : struct, ILanes<TLanes>;
}
