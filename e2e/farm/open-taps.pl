# open-taps.pl NAME NAME PROGRAM [ARGUMENTS]: opens two TAP devices as file descriptors 3 and 4, then becomes PROGRAM.
# Perl because opening one takes an ioctl, which Node does not have. Constants of linux/if_tun.h.
use strict;
use warnings;
use POSIX qw(dup2);

my $TUNSETIFF = 0x400454ca;
my ($IFF_TAP, $IFF_NO_PI) = (0x0002, 0x1000);

for my $descriptor (3, 4) {
    my $name = shift @ARGV;
    open(my $tun, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
    my $request = pack('a16 s x22', $name, $IFF_TAP | $IFF_NO_PI);
    ioctl($tun, $TUNSETIFF, $request) or die "TAP device $name: $!\n";
    dup2(fileno($tun), $descriptor + 10) or die "dup2: $!\n";
}
dup2(13, 3) and dup2(14, 4) or die "dup2: $!\n";
POSIX::close($_) for (13, 14);
exec(@ARGV) or die "$ARGV[0]: $!\n";
