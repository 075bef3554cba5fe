using OrleansInference.Tensors;

namespace OrleansInference.Engine.Repository;

/// <summary>Decodes a picture to a tensor of FP32, of shape [channels, height, width] or [height, width, channels].</summary>
/// <param name="Input">The BYTES input that holds an encoded picture per row.</param>
/// <param name="Output">The network's input.</param>
/// <param name="Channels">1 for grayscale, 3 for RGB.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels.</param>
/// <param name="Factor">Multiplies each value of 0 to 255.</param>
/// <param name="Mean">Subtracted then, per channel.</param>
/// <param name="Deviation">Divides then, per channel.</param>
/// <param name="ChannelsFirst">Whether channels are the first dimension.</param>
public sealed record ImagePreprocessing(
    string Input, string Output, int Channels, int Width, int Height, float Factor, float[] Mean, float[] Deviation, bool ChannelsFirst)
    : Preprocessing
{
    /// <summary>The shape of one picture's tensor.</summary>
    public long[] Shape => ChannelsFirst ? [Channels, Height, Width] : [Height, Width, Channels];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Inputs => [Input];

    /// <inheritdoc/>
    public override IReadOnlyList<TensorConfig> Outputs => [new(Output, DataType.Float32, Shape, [])];
}
