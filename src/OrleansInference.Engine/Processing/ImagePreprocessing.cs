using OrleansInference.Engine.Repository;
using OrleansInference.Tensors;

namespace OrleansInference.Engine.Processing;

/// <summary>Decodes a picture to a tensor of FP32, of shape [channels, height, width] or [height, width, channels].</summary>
/// <param name="Input">The BYTES input that holds an encoded picture per row.</param>
/// <param name="Output">The network's input.</param>
/// <param name="Channels">1 for grayscale, 3 for RGB.</param>
/// <param name="Resize">How a picture gets its size.</param>
/// <param name="Width">Pixels of the tensor, which are cut out of the middle of what <paramref name="Resize"/> gives.</param>
/// <param name="Height">Pixels of the tensor.</param>
public sealed record ImagePreprocessing(string Input, string Output, int Channels, ImageResize Resize, int Width, int Height) : Preprocessing
{
    /// <summary>Whether a photograph is turned as its EXIF orientation says.</summary>
    public bool IsTurnedUpright { get; init; } = true;

    /// <summary>Multiplies each value of 0 to 255.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Subtracted then, per channel.</summary>
    public IReadOnlyList<float> Mean { get; init; } = [.. Enumerable.Repeat(0f, Channels)];

    /// <summary>Divides then, per channel.</summary>
    public IReadOnlyList<float> Deviation { get; init; } = [.. Enumerable.Repeat(1f, Channels)];

    /// <summary>Whether channels are the first dimension.</summary>
    public bool ChannelsFirst { get; init; } = true;

    /// <summary>The shape of one picture's tensor.</summary>
    public long[] Shape => ChannelsFirst ? [Channels, Height, Width] : [Height, Width, Channels];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Inputs => [Input];

    /// <inheritdoc/>
    public override IReadOnlyList<TensorConfig> Outputs => [new(Output, DataType.Float32, Shape, [])];
}

/// <summary>How a picture gets its size.</summary>
/// <param name="Mode">What becomes of its proportions.</param>
/// <param name="Width">Pixels.</param>
/// <param name="Height">Pixels; as many as <paramref name="Width"/> with <see cref="ResizeMode.ShortestSide"/>.</param>
/// <param name="Interpolation">How pixels between those of the picture are made.</param>
/// <param name="Fill">Of 0 to 255: the borders of <see cref="ResizeMode.Fit"/>.</param>
public sealed record ImageResize(
    ResizeMode Mode, int Width, int Height, ResizeInterpolation Interpolation = ResizeInterpolation.Bilinear, byte Fill = 0);

/// <summary>What becomes of a picture's proportions.</summary>
public enum ResizeMode
{
    /// <summary>They are those of the size.</summary>
    Stretch = 0,

    /// <summary>They stay: the whole picture lies within the size, between borders.</summary>
    Fit = 1,

    /// <summary>They stay: the picture fills the size, and what is too much is cut off on both sides.</summary>
    Cover = 2,

    /// <summary>They stay: the shorter side gets the size, and the longer one is as long as it will be.</summary>
    ShortestSide = 3,
}

/// <summary>How pixels between those of a picture are made.</summary>
public enum ResizeInterpolation
{
    /// <summary>Of the nearest four; where the picture shrinks, of all.</summary>
    Bilinear = 0,

    /// <summary>The nearest one is taken.</summary>
    Nearest = 1,

    /// <summary>Of the nearest sixteen, by Catmull and Rom; where the picture shrinks to less than half, as <see cref="Bilinear"/>.</summary>
    Bicubic = 2,
}
